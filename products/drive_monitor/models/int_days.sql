-- One row per drive and day: the last whole look of the day, or the last one where none was whole.
with ranked as (
    select
        o.*,
        row_number() over (partition by drive_id, observed_on order by is_complete desc, taken_at desc) as rank
    from {{ source('accepted', 'observations') }} as o
)
select * from ranked where rank = 1
