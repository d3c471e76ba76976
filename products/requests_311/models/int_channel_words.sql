-- Every word that the two systems use for a channel, with its stable code. Words that no lookup holds have the code 'unmapped' and their
-- number of rows, so that somebody can add the missing line.
with said as (
    select 'legacy' as era, source_channel as source_value, count(*) as row_count
    from {{ ref('stg_legacy') }} where source_channel is not null group by source_channel
    union all
    select 'cases', source_channel, count(*)
    from {{ ref('stg_cases') }} where source_channel is not null group by source_channel
),

known as (
    select 'legacy' as era, {{ normalized('legacy_value') }} as word, false as is_prefix, source_code as code
    from {{ source('lookup', 'request_sources') }} where legacy_value is not null
    union all
    select 'cases', {{ normalized('cases_value') }}, false, source_code
    from {{ source('lookup', 'request_sources') }} where cases_value is not null
)

{{ coded('said', 'known', ['era']) }}
