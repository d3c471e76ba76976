-- What makes a listing likely to be wrong, part by part, each from 0 to 1.
with rates as (
    -- How often listings of a list change between versions stands for those that have only one.
    select
        k.source_code,
        coalesce(sum(case when s.version_count > 1 then s.changed_critical_count end) * 1.0
            / nullif(sum(case when s.version_count > 1 then s.critical_field_count end), 0), 0.1) as rate_share
    from {{ source('prepared', 'states') }} as s
    inner join {{ source('prepared', 'known') }} as k on k.listing_id = s.listing_id
    group by k.source_code
),

found as (
    select
        listing_id, count(*) as finding_count,
        sum(case severity_code when 'error' then 1.0 when 'warning' then 0.5 else 0.1 end) as finding_points
    from {{ source('prepared', 'findings') }}
    group by listing_id
),

oldest as (
    select f.listing_id, max(
        case when f.confirmed_at is null then 1.0
            else least(1.0, {{ dbt.datediff('cast(f.confirmed_at as date)', 'd.day_on', 'day') }} * 1.0 / cast(c.limit_days as integer)) end
    ) as age_part
    from {{ source('prepared', 'fields') }} as f
    inner join {{ source('lookup', 'critical_fields') }} as c on c.field_code = f.field_code
    cross join {{ source('prepared', 'days') }} as d
    where f.is_critical
    group by f.listing_id
),

paired as (
    select listing_id, count(*) as duplicate_count from (
        select listing_id from {{ ref('duplicates') }} where is_probable and decision_code = 'undecided'
        union all
        select other_listing_id from {{ ref('duplicates') }} where is_probable and decision_code = 'undecided'
    ) as both_sides
    group by listing_id
)

select
    s.listing_id,
    coalesce(o.age_part, 1.0) as age_part,
    least(1.0, case
        when s.version_count > 1 then s.changed_critical_count * 1.0 / nullif(s.critical_field_count, 0)
        else coalesce(r.rate_share, 0.1) end) as change_part,
    least(1.0, coalesce(k.disagreement_count, 0) / 2.0) as disagreement_part,
    least(1.0, coalesce(f.finding_points, 0) / 3.0) as finding_part,
    least(1.0, coalesce(s.demand_count, 0) / 2.0) as demand_part,
    coalesce(f.finding_count, 0) as finding_count,
    coalesce(q.duplicate_count, 0) as duplicate_count
from {{ source('prepared', 'states') }} as s
left join {{ source('prepared', 'known') }} as k on k.listing_id = s.listing_id
left join rates as r on r.source_code = k.source_code
left join found as f on f.listing_id = s.listing_id
left join oldest as o on o.listing_id = s.listing_id
left join paired as q on q.listing_id = s.listing_id
