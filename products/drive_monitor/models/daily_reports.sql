-- One row per day, without names: that we looked, at how much, and what came of it. A day when nothing happened has a row too.
with above as (
    select observed_on, count(distinct drive_id) as drives_above
    from {{ ref('alerts') }} where severity_code in ('warning', 'critical') group by observed_on
)
select
    d.observed_on,
    cast(count(*) as {{ dbt.type_bigint() }}) as drive_count,
    cast(sum(case when is_complete then 1 else 0 end) as {{ dbt.type_bigint() }}) as whole_look_count,
    cast(coalesce(sum(coalesce(file_count, file_count_before)), 0) as {{ dbt.type_bigint() }}) as file_count,
    cast(sum(deleted_files) as {{ dbt.type_bigint() }}) as deleted_files,
    cast(sum(left_files) as {{ dbt.type_bigint() }}) as left_files,
    cast(sum(returned_files) as {{ dbt.type_bigint() }}) as returned_files,
    cast(coalesce(max(a.drives_above), 0) as {{ dbt.type_bigint() }}) as drives_above_threshold
from {{ ref('drive_days') }} as d
left join above as a on a.observed_on = d.observed_on
group by d.observed_on
