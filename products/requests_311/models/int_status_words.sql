-- Every word that the two systems use for a status, with its stable code. Words that no lookup holds have the code 'unmapped' and their
-- number of rows, so that somebody can add the missing line.
with said as (
    select 'legacy' as era, source_status as source_value, count(*) as row_count
    from {{ ref('stg_legacy') }} where source_status is not null group by source_status
    union all
    select 'cases', source_status, count(*)
    from {{ ref('stg_cases') }} where source_status is not null group by source_status
),

known as (
    select 'legacy' as era, {{ normalized('legacy_value') }} as word, false as is_prefix, status_code as code
    from {{ source('lookup', 'statuses') }} where legacy_value is not null
    union all
    select 'cases', {{ normalized('cases_value') }}, false, status_code
    from {{ source('lookup', 'statuses') }} where cases_value is not null
)

{{ coded('said', 'known', ['era']) }}
