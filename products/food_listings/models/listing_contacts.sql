-- Private contacts, as the lists have them. Restricted.
select * from {{ source('prepared', 'contacts') }}
