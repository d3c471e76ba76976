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
