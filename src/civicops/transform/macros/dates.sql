{# Dates and times: the one place where models touch an engine's own date functions. `tz` is an IANA zone as text. #}

{% macro local_date(moment, tz) %}{{ return(adapter.dispatch('local_date')(moment, tz)) }}{% endmacro %}
{% macro default__local_date(moment, tz) %}cast({{ moment }} at time zone '{{ tz }}' as date){% endmacro %}
{% macro duckdb__local_date(moment, tz) %}cast(timezone('{{ tz }}', {{ moment }}) as date){% endmacro %}
{% macro bigquery__local_date(moment, tz) %}date({{ moment }}, '{{ tz }}'){% endmacro %}
{% macro spark__local_date(moment, tz) %}to_date(from_utc_timestamp({{ moment }}, '{{ tz }}')){% endmacro %}

{% macro local_month(moment, tz) %}{{ return(adapter.dispatch('local_month')(moment, tz)) }}{% endmacro %}
{% macro default__local_month(moment, tz) %}cast({{ dbt.date_trunc('month', local_date(moment, tz)) }} as date){% endmacro %}

{# Hours from one moment to another as a fraction; null where either is. #}
{% macro hours_between(first, second) %}{{ return(adapter.dispatch('hours_between')(first, second)) }}{% endmacro %}
{% macro default__hours_between(first, second) %}({{ seconds_between(first, second) }} / 3600.0){% endmacro %}

{# Whole seconds from one moment to another; null where either is. #}
{% macro seconds_between(first, second) %}{{ return(adapter.dispatch('seconds_between')(first, second)) }}{% endmacro %}
{% macro default__seconds_between(first, second) %}cast(extract(epoch from ({{ second }} - {{ first }})) as bigint){% endmacro %}
{# Not date_diff: for moments with a time zone that asks a calendar, at ten times the cost, for the same number. #}
{% macro duckdb__seconds_between(first, second) %}(epoch_us({{ second }}) // 1000000 - epoch_us({{ first }}) // 1000000){% endmacro %}
{% macro bigquery__seconds_between(first, second) %}timestamp_diff({{ second }}, {{ first }}, second){% endmacro %}
{% macro spark__seconds_between(first, second) %}(unix_timestamp({{ second }}) - unix_timestamp({{ first }})){% endmacro %}
