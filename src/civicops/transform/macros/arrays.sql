{# Arrays of text. #}

{# The text values of a group as one array, in order, without repetition; an empty array for none. #}
{% macro text_array(value) %}{{ return(adapter.dispatch('text_array')(value)) }}{% endmacro %}
{% macro default__text_array(value) %}array_agg(distinct {{ value }} order by {{ value }}) filter (where {{ value }} is not null){% endmacro %}
{% macro duckdb__text_array(value) %}coalesce(list_sort(list(distinct {{ value }}) filter (where {{ value }} is not null)), cast([] as varchar[])){% endmacro %}

{# The array with one more value at its end where the condition holds. #}
{% macro array_with(items, value, condition) %}{{ return(adapter.dispatch('array_with')(items, value, condition)) }}{% endmacro %}
{% macro default__array_with(items, value, condition) %}case when {{ condition }} then array_cat({{ items }}, array['{{ value }}']) else {{ items }} end{% endmacro %}
{% macro duckdb__array_with(items, value, condition) %}case when {{ condition }} then list_append({{ items }}, '{{ value }}') else {{ items }} end{% endmacro %}
{% macro spark__array_with(items, value, condition) %}case when {{ condition }} then concat({{ items }}, array('{{ value }}')) else {{ items }} end{% endmacro %}
