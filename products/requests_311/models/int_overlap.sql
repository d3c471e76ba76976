-- Requests that both systems of 2025 hold. The city moved its services from one system to the other between 28 March and
-- 3 November 2025, one after another, so most records of that time exist once. The rule: a record of the old system is a copy of
-- a case when both were made within ten minutes, at the same place (to about ten metres) and for the same group of
-- services. The case stays, because it is the one that is still updated; the copy is counted in int_ignored. One case takes
-- the place of one record at most: two reports of one pile of rubbish stay two reports.
with window_of_both as (
    select
        (select min(created_at) from {{ ref('stg_cases') }}) as first_at,
        (select max(created_at) from {{ ref('stg_legacy') }}) as last_at
),

old as (
    select
        r.request_id, r.source_dataset, r.created_at, t.request_group_code,
        round(r.longitude, 4) as longitude, round(r.latitude, 4) as latitude
    from {{ ref('stg_legacy') }} as r
    inner join window_of_both as w on r.created_at >= w.first_at
    inner join {{ ref('int_type_words') }} as v
        on v.era = 'legacy' and r.source_request_type = v.source_value
    inner join {{ source('lookup', 'request_type_codes') }} as t on v.code = t.request_type_code
    where r.longitude is not null and t.request_type_code <> 'unmapped'
),

new as (
    select
        r.request_id, r.created_at, t.request_group_code,
        round(r.longitude, 4) as longitude, round(r.latitude, 4) as latitude
    from {{ ref('stg_cases') }} as r
    inner join window_of_both as w on r.created_at <= w.last_at
    inner join {{ ref('int_type_words') }} as v
        on v.era = 'cases' and r.source_request_type = v.source_value
    inner join {{ source('lookup', 'request_type_codes') }} as t on v.code = t.request_type_code
    where r.longitude is not null and t.request_type_code <> 'unmapped'
),

pairs as (
    select
        o.request_id, o.source_dataset, n.request_id as case_id,
        abs({{ seconds_between('o.created_at', 'n.created_at') }}) as seconds_apart
    from old as o
    inner join new as n
        on o.request_group_code = n.request_group_code and o.longitude = n.longitude and o.latitude = n.latitude
    where abs({{ seconds_between('o.created_at', 'n.created_at') }}) <= 600
),

nearest as (
    select
        *,
        row_number() over (partition by request_id order by seconds_apart, case_id) as choice_of_record,
        row_number() over (partition by case_id order by seconds_apart, request_id) as choice_of_case
    from pairs
)

select request_id, source_dataset, case_id
from nearest
where choice_of_record = 1 and choice_of_case = 1
