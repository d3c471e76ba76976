-- Requests per month of creation, council and channel, and how they ended; every request is counted once in one of the endings.
--
-- half_closed_hours: the time within which half of the requests that are closed after a known time or still open were closed. What is
-- still open counts as longer than any, so a month that has only begun looks slow and never fast. Below ten such requests it is empty.
with counted as (
    select
        r.*,
        cast({{ dbt.date_trunc('month', 'r.created_on') }} as date) as created_month,
        case when r.hours_to_close is not null or r.is_open then 1 else 0 end as is_known
    from {{ source('release', 'requests_311__requests') }} as r
),

ranked as (
    select
        created_month, council_code, source_code, hours_to_close,
        row_number() over (
            partition by created_month, council_code, source_code order by case when hours_to_close is null then 1 else 0 end, hours_to_close
        ) as place,
        count(*) over (partition by created_month, council_code, source_code) as known_count
    from counted
    where is_known = 1
),

halves as (
    select created_month, council_code, source_code, hours_to_close as half_closed_hours
    from ranked
    where place = ceil(known_count / 2.0) and known_count >= 10
),

months as (
    select
        created_month, council_code, source_code,
        count(*) as request_count,
        sum(case when is_resident_demand then 1 else 0 end) as resident_request_count,
        sum(case when is_open then 1 else 0 end) as open_count,
        sum(case when is_closed then 1 else 0 end) as closed_count,
        sum(case when status_code = 'acknowledged' then 1 else 0 end) as acknowledged_count,
        sum(case when status_code = 'referred' then 1 else 0 end) as referred_count,
        sum(case when status_code = 'cancelled' then 1 else 0 end) as cancelled_count,
        sum(case when status_code = 'duplicate' then 1 else 0 end) as duplicate_count,
        sum(case when status_code = 'unmapped' then 1 else 0 end) as unmapped_count
    from counted
    group by created_month, council_code, source_code
)

select
    m.created_month,
    m.council_code,
    c.council_name,
    m.source_code,
    cast(m.request_count as {{ dbt.type_bigint() }}) as request_count,
    cast(m.resident_request_count as {{ dbt.type_bigint() }}) as resident_request_count,
    cast(m.open_count as {{ dbt.type_bigint() }}) as open_count,
    cast(m.closed_count as {{ dbt.type_bigint() }}) as closed_count,
    cast(m.acknowledged_count as {{ dbt.type_bigint() }}) as acknowledged_count,
    cast(m.referred_count as {{ dbt.type_bigint() }}) as referred_count,
    cast(m.cancelled_count as {{ dbt.type_bigint() }}) as cancelled_count,
    cast(m.duplicate_count as {{ dbt.type_bigint() }}) as duplicate_count,
    cast(m.unmapped_count as {{ dbt.type_bigint() }}) as unmapped_count,
    h.half_closed_hours
from months as m
left join {{ source('release', 'requests_311__councils') }} as c on m.council_code = c.council_code
left join halves as h
    on m.created_month = h.created_month and m.council_code = h.council_code and m.source_code = h.source_code
