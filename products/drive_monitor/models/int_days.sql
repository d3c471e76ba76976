-- One row per drive and day: the last whole look of the day, or the last one where none was whole.
with ranked as (
    select
        o.*,
        -- The files before anything happened that day, where no day before says so.
        first_value(case when is_complete then coalesce(file_count_before, file_count) end ignore nulls) over (
            partition by drive_id, observed_on order by taken_at rows between unbounded preceding and unbounded following
        ) as file_count_at_first,
        row_number() over (partition by drive_id, observed_on order by is_complete desc, taken_at desc) as rank
    from {{ source('accepted', 'observations') }} as o
)
select * from ranked where rank = 1
