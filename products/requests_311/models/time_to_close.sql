-- How long residents waited, by type, council and month of creation: Kaplan-Meier estimates, so that requests which are still open
-- count as "at least so long" instead of being left out (which would make recent months look fast) or counted as zero.
--
-- At each waiting time t at which requests were closed, the share still waiting falls by the factor 1 - closed(t) / waiting(t).
-- The median is the first t at which at most half are still waiting; it is null when the share never falls so far. Open
-- requests stop being watched when their dataset was last updated; cancelled, referred and merely filed ones when they ended.
-- Closed ones without a known time are counted in unknown_count and no more.
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

-- One series of waits per type, council and month, and one for the whole city ('all'); numbered, because sorting by numbers
-- is cheap. The last select needs every series, the curve only those with a known wait.
counts as (
    select
        request_type_code,
        coalesce(council_code, 'all') as council_code,
        created_month,
        count(*) as request_count,
        sum(case when seconds is not null then is_closed else 0 end) as closed_count,
        sum(is_open) as open_count,
        sum(case when seconds is null then 1 else 0 end) as unknown_count
    from waits
    group by grouping sets ((request_type_code, council_code, created_month), (request_type_code, created_month))
),

series as (
    select *, cast(row_number() over (order by request_type_code, council_code, created_month) as integer) as series_id
    from counts
),

known as (
    select o.series_id as council_series_id, a.series_id as city_series_id, w.seconds, w.is_closed
    from waits as w
    inner join series as o
        on w.request_type_code = o.request_type_code and w.council_code = o.council_code and w.created_month = o.created_month
    inner join series as a
        on w.request_type_code = a.request_type_code and a.council_code = 'all' and w.created_month = a.created_month
    where w.seconds is not null
),

at_times as (
    select council_series_id as series_id, seconds, count(*) as ended, sum(is_closed) as closed
    from known group by council_series_id, seconds
    union all
    select city_series_id, seconds, count(*), sum(is_closed) from known group by city_series_id, seconds
),

risk as (
    select
        t.series_id, t.seconds, t.closed,
        -- Those who end at t are still waiting at t.
        s.request_count - s.unknown_count + t.ended
        - sum(t.ended) over (partition by t.series_id order by t.seconds rows unbounded preceding) as waiting
    from at_times as t
    inner join series as s on t.series_id = s.series_id
),

curve as (
    select
        series_id, seconds,
        -- A product as a sum of logarithms; when the last ones waiting are closed the share is 0 from then on. The last term
        -- makes up for rounding: a share of exactly one half must count as one half.
        exp(sum(case when closed = waiting then -1000.0 else ln(1.0 - closed * 1.0 / waiting) end) over (
            partition by series_id order by seconds rows unbounded preceding
        )) - 1e-9 as still_waiting
    from risk
    where closed > 0
),

quantiles as (
    select
        series_id,
        min(case when still_waiting <= 0.75 then seconds end) / 3600.0 as p25_hours,
        min(case when still_waiting <= 0.50 then seconds end) / 3600.0 as median_hours,
        min(case when still_waiting <= 0.25 then seconds end) / 3600.0 as p75_hours,
        min(case when still_waiting <= 0.10 then seconds end) / 3600.0 as p90_hours
    from curve
    group by series_id
)

select
    s.request_type_code,
    s.council_code,
    s.created_month,
    cast(s.request_count as {{ dbt.type_bigint() }}) as request_count,
    cast(s.closed_count as {{ dbt.type_bigint() }}) as closed_count,
    cast(s.open_count as {{ dbt.type_bigint() }}) as open_count,
    cast(s.request_count - s.closed_count - s.open_count - s.unknown_count as {{ dbt.type_bigint() }}) as ended_otherwise_count,
    cast(s.unknown_count as {{ dbt.type_bigint() }}) as unknown_count,
    q.p25_hours,
    q.median_hours,
    q.p75_hours,
    q.p90_hours
from series as s
left join quantiles as q on s.series_id = q.series_id
