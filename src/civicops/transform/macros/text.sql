{# Text: what standard SQL has no common word for. #}

{# Capitals, one blank between words, none around: two spellings of one word become equal. #}
{% macro normalized(text) %}{{ return(adapter.dispatch('normalized')(text)) }}{% endmacro %}
{% macro default__normalized(text) %}upper(trim(regexp_replace({{ text }}, '\s+', ' ', 'g'))){% endmacro %}
{% macro bigquery__normalized(text) %}upper(trim(regexp_replace({{ text }}, r'\s+', ' '))){% endmacro %}
{% macro spark__normalized(text) %}upper(trim(regexp_replace({{ text }}, '\\s+', ' '))){% endmacro %}

{# `text` with everything that matches the pattern (RE2 and Java agree on it) replaced. #}
{% macro replaced(text, pattern, by) %}{{ return(adapter.dispatch('replaced')(text, pattern, by)) }}{% endmacro %}
{% macro default__replaced(text, pattern, by) %}regexp_replace({{ text }}, '{{ pattern }}', '{{ by }}', 'g'){% endmacro %}
{% macro bigquery__replaced(text, pattern, by) %}regexp_replace({{ text }}, r'{{ pattern }}', '{{ by }}'){% endmacro %}
{% macro spark__replaced(text, pattern, by) %}regexp_replace({{ text }}, '{{ pattern }}', '{{ by }}'){% endmacro %}

{# A name as it is compared: capitals, letters and digits only, one blank between words, without the listed words. #}
{% macro name_key(text, without) %}trim({{ replaced(replaced(normalized(text), '[^A-Z0-9]+', ' '), '(^|[ ])(' ~ without | join('|') ~ ')([ ]|$)', ' ') }}){% endmacro %}

{# The code of each word that is said: a SELECT from two relations, `said` (`by`..., source_value, row_count) and `known` (`by`..., word,
   is_prefix, code), which are matched within `by`. Capitals and blanks do not matter (`word` is given as `normalized` makes it); a prefix
   counts where the exact word is not listed, the longest first. A word that is not known has the code 'unmapped'. #}
{% macro coded(said, known, by) %}
select {% for name in by %}{{ name }}, {% endfor %}source_value, coalesce(code, 'unmapped') as code, cast(row_count as {{ dbt.type_bigint() }}) as row_count
from (
    select
        {% for name in by %}s.{{ name }}, {% endfor %}s.source_value, s.row_count, k.code,
        row_number() over (
            partition by {% for name in by %}s.{{ name }}, {% endfor %}s.source_value
            order by case when k.is_prefix then 1 else 0 end, length(k.word) desc, k.code
        ) as choice
    from {{ said }} as s
    left join {{ known }} as k
        on {% for name in by %}s.{{ name }} = k.{{ name }} and {% endfor %}case
            when k.is_prefix then left({{ normalized('s.source_value') }}, length(k.word)) = k.word
            else {{ normalized('s.source_value') }} = k.word
        end
) as matched
where choice = 1
{% endmacro %}
