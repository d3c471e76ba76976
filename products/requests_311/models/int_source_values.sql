-- Every word that the two systems use for a type, a status, a channel, a department or a resolution, with its stable code.
-- A few hundred rows. Words that no lookup holds have the code 'unmapped' and their number of rows, so that somebody can add
-- the missing line. Capitals and blanks do not matter; a prefix counts where the exact word is not listed, the longest first.
with said as (
    {%- for era, relation in (('legacy', 'stg_legacy'), ('cases', 'stg_cases')) %}
    {%- for vocabulary, column in (
        ('type', 'source_request_type'), ('status', 'source_status'), ('channel', 'source_channel'),
        ('department', 'source_owner'), ('resolution', 'resolution')) %}
    select '{{ era }}' as era, '{{ vocabulary }}' as vocabulary, {{ column }} as source_value, count(*) as row_count
    from {{ ref(relation) }} where {{ column }} is not null group by {{ column }}
    {%- if not (era == 'cases' and vocabulary == 'resolution') %} union all {%- endif %}
    {%- endfor %}
    {%- endfor %}
),

known as (
    {%- for vocabulary, lookup, code in (
        ('type', 'request_types', 'request_type_code'), ('status', 'statuses', 'status_code'),
        ('channel', 'request_sources', 'source_code'), ('department', 'departments', 'department_code')) %}
    {%- for era in ('legacy', 'cases') %}
    select '{{ era }}' as era, '{{ vocabulary }}' as vocabulary, {{ normalized(era ~ '_value') }} as word, false as is_prefix, {{ code }} as code
    from {{ source('lookup', lookup) }} where {{ era }}_value is not null
    union all
    {%- endfor %}
    {%- endfor %}
    select 'cases', 'department', upper(cases_prefix), true, department_code from {{ source('lookup', 'department_prefixes') }}
    union all
    select 'cases', 'resolution', upper(cases_prefix), true, outcome_code from {{ source('lookup', 'resolutions') }}
),

matched as (
    select
        s.era, s.vocabulary, s.source_value, s.row_count, k.code,
        row_number() over (
            partition by s.era, s.vocabulary, s.source_value
            order by case when k.is_prefix then 1 else 0 end, length(k.word) desc, k.code
        ) as choice
    from said as s
    left join known as k
        on s.era = k.era and s.vocabulary = k.vocabulary
        and case
            when k.is_prefix then left({{ normalized('s.source_value') }}, length(k.word)) = k.word
            else {{ normalized('s.source_value') }} = k.word
        end
)

select era, vocabulary, source_value, coalesce(code, 'unmapped') as code, cast(row_count as {{ dbt.type_bigint() }}) as row_count
from matched
where choice = 1
