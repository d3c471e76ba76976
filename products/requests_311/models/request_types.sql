-- The types, what they mean across both systems, and how many requests each has.
with counted as (
    select request_type_code, count(*) as request_count, min(created_on) as first_on, max(created_on) as last_on
    from {{ ref('requests') }}
    group by request_type_code
),

words as (
    select
        request_type_code,
        {{ text_array('legacy_value') }} as legacy_values,
        {{ text_array('cases_value') }} as cases_values
    from {{ source('lookup', 'request_types') }}
    group by request_type_code
)

select
    t.request_type_code,
    t.request_type_name,
    t.request_group_code,
    t.request_group_name,
    cast(t.is_service_request as boolean) as is_service_request,
    cast(t.is_information_only as boolean) as is_information_only,
    cast(t.is_sensitive as boolean) as is_sensitive,
    w.legacy_values,
    w.cases_values,
    cast(coalesce(c.request_count, 0) as {{ dbt.type_bigint() }}) as request_count,
    c.first_on,
    c.last_on
from {{ source('lookup', 'request_type_codes') }} as t
left join words as w on t.request_type_code = w.request_type_code
left join counted as c on t.request_type_code = c.request_type_code
