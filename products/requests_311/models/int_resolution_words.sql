-- Every word that the new system uses for a resolution (the old one has none), with its stable code. Words that no lookup holds have the
-- code 'unmapped' and their number of rows, so that somebody can add the missing line.
with said as (
    select 'cases' as era, resolution as source_value, count(*) as row_count
    from {{ ref('stg_cases') }} where resolution is not null group by resolution
),

known as (
    select 'cases' as era, upper(cases_prefix) as word, true as is_prefix, outcome_code as code from {{ source('lookup', 'resolutions') }}
)

{{ coded('said', 'known', ['era']) }}
