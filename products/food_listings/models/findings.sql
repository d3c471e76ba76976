-- What the checks found.
select * from {{ source('prepared', 'findings') }}
