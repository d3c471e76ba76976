-- What rules changed.
select * from {{ source('prepared', 'fixes') }}
