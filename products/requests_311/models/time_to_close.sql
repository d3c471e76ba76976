-- How long residents waited, by type, council and month of creation: Kaplan-Meier estimates, so that requests which are still open
-- count as "at least so long" instead of being left out (which would make recent months look fast) or counted as zero.
--
-- At each waiting time t at which requests were closed, the share still waiting falls by the factor 1 - closed(t) / waiting(t).
-- The median is the first t at which at most half are still waiting; it is null when the share never falls so far. Open
-- requests stop being watched when their dataset was last updated; cancelled, referred and merely filed ones when they ended.
-- Closed ones without a known time are counted in unknown_count and no more.
{% set tz = var('timezone', 'America/Los_Angeles') %}
with watched as (
    select source_dataset, max(greatest(created_at, coalesce(updated_at, created_at), coalesce(closed_at, created_at))) as until_at
    from {{ ref('requests') }}
    group by source_dataset
),

waits as (
    select
        r.request_type_code,
        r.council_code,
        cast({{ dbt.date_trunc('month', 'r.created_on') }} as date) as created_month,
        case when r.is_closed then 1 else 0 end as is_closed,
        case when r.is_open then 1 else 0 end as is_open,
        case
            when r.is_closed then case when r.hours_to_close is not null then {{ seconds_between('r.created_at', 'r.closed_at') }} end
            when r.is_open then {{ seconds_between('r.created_at', 'w.until_at') }}
            when r.is_open is not null and r.closed_at >= r.created_at then {{ seconds_between('r.created_at', 'r.closed_at') }}
        end as seconds
    from {{ ref('requests') }} as r
    inner join watched as w on r.source_dataset = w.source_dataset
    where r.is_resident_demand
),

-- Every council by itself, and the city as a whole under 'all'.
at_times as (
    select request_type_code, council_code, created_month, seconds,
        sum(is_closed) as closed, sum(is_open) as still_open, count(*) as requests
    from waits
    group by request_type_code, council_code, created_month, seconds
),

levels as (
    select * from at_times
    union all
    select request_type_code, 'all', created_month, seconds, sum(closed), sum(still_open), sum(requests)
    from at_times
    group by request_type_code, created_month, seconds
),

counts as (
    select
        request_type_code, council_code, created_month,
        sum(requests) as request_count,
        sum(case when seconds is not null then closed else 0 end) as closed_count,
        sum(still_open) as open_count,
        sum(case when seconds is null then requests else 0 end) as unknown_count
    from levels
    group by request_type_code, council_code, created_month
),

risk as (
    select
        b.request_type_code, b.council_code, b.created_month, b.seconds, b.closed,
        c.request_count - c.unknown_count - coalesce(sum(b.requests) over (
            partition by b.request_type_code, b.council_code, b.created_month order by b.seconds
            rows between unbounded preceding and 1 preceding
        ), 0) as waiting
    from levels as b
    inner join counts as c
        on b.request_type_code = c.request_type_code and b.council_code = c.council_code and b.created_month = c.created_month
    where b.seconds is not null
),

curve as (
    select
        request_type_code, council_code, created_month, seconds,
        -- A product as a sum of logarithms; when the last ones waiting are closed the share is 0 from then on.
        exp(sum(case when closed = waiting then -1000.0 else ln(1.0 - closed * 1.0 / waiting) end) over (
            partition by request_type_code, council_code, created_month order by seconds rows unbounded preceding
        )) - 1e-9 as still_waiting
    from risk
    where closed > 0
),

quantiles as (
    select
        request_type_code, council_code, created_month,
        min(case when still_waiting <= 0.75 then seconds end) / 3600.0 as p25_hours,
        min(case when still_waiting <= 0.50 then seconds end) / 3600.0 as median_hours,
        min(case when still_waiting <= 0.25 then seconds end) / 3600.0 as p75_hours,
        min(case when still_waiting <= 0.10 then seconds end) / 3600.0 as p90_hours
    from curve
    group by request_type_code, council_code, created_month
)

select
    c.request_type_code,
    c.council_code,
    c.created_month,
    cast(c.request_count as {{ dbt.type_bigint() }}) as request_count,
    cast(c.closed_count as {{ dbt.type_bigint() }}) as closed_count,
    cast(c.open_count as {{ dbt.type_bigint() }}) as open_count,
    cast(c.request_count - c.closed_count - c.open_count - c.unknown_count as {{ dbt.type_bigint() }}) as ended_otherwise_count,
    cast(c.unknown_count as {{ dbt.type_bigint() }}) as unknown_count,
    q.p25_hours,
    q.median_hours,
    q.p75_hours,
    q.p90_hours
from counts as c
left join quantiles as q
    on c.request_type_code = q.request_type_code and c.council_code = q.council_code and c.created_month = q.created_month
