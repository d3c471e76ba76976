-- Every word that the two systems use for a department, with its stable code. Words that no lookup holds have the code 'unmapped' and their
-- number of rows, so that somebody can add the missing line.
with said as (
    select 'legacy' as era, source_owner as source_value, count(*) as row_count
    from {{ ref('stg_legacy') }} where source_owner is not null group by source_owner
    union all
    select 'cases', source_owner, count(*)
    from {{ ref('stg_cases') }} where source_owner is not null group by source_owner
),

known as (
    select 'legacy' as era, {{ normalized('legacy_value') }} as word, false as is_prefix, department_code as code
    from {{ source('lookup', 'departments') }} where legacy_value is not null
    union all
    select 'cases', {{ normalized('cases_value') }}, false, department_code
    from {{ source('lookup', 'departments') }} where cases_value is not null
    union all
    select 'cases', upper(cases_prefix), true, department_code from {{ source('lookup', 'department_prefixes') }}
)

{{ coded('said', 'known', ['era']) }}
