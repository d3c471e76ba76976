-- Every word that the two systems use for a type, with its stable code. Words that no lookup holds have the code 'unmapped' and their
-- number of rows, so that somebody can add the missing line.
with said as (
    select 'legacy' as era, source_request_type as source_value, count(*) as row_count
    from {{ ref('stg_legacy') }} where source_request_type is not null group by source_request_type
    union all
    select 'cases', source_request_type, count(*)
    from {{ ref('stg_cases') }} where source_request_type is not null group by source_request_type
),

known as (
    select 'legacy' as era, {{ normalized('legacy_value') }} as word, false as is_prefix, request_type_code as code
    from {{ source('lookup', 'request_types') }} where legacy_value is not null
    union all
    select 'cases', {{ normalized('cases_value') }}, false, request_type_code
    from {{ source('lookup', 'request_types') }} where cases_value is not null
)

{{ coded('said', 'known', ['era']) }}
