{# Points to areas. `layer` is a layer of the product's lookup boundary_sets; the day chooses among sets that follow one
   another. On DuckDB the work is done by `civicops.transform.placing`; another engine needs its own macro here. #}

{# The code of the area that holds the point; null for none and for a point without a coordinate. #}
{% macro area_of(layer, lon, lat, on_date) %}{{ return(adapter.dispatch('area_of')(layer, lon, lat, on_date)) }}{% endmacro %}
{% macro default__area_of(layer, lon, lat, on_date) %}
  {{ exceptions.raise_compiler_error("area_of is not written for " ~ target.type ~ " yet: add " ~ target.type ~ "__area_of") }}
{% endmacro %}
{% macro duckdb__area_of(layer, lon, lat, on_date) %}struct_extract(place_in__{{ layer }}({{ lon }}, {{ lat }}, {{ on_date }}), 'code'){% endmacro %}

{# How many areas hold the point: 0 for none, 2 and more where areas overlap. #}
{% macro area_matches(layer, lon, lat, on_date) %}{{ return(adapter.dispatch('area_matches')(layer, lon, lat, on_date)) }}{% endmacro %}
{% macro default__area_matches(layer, lon, lat, on_date) %}
  {{ exceptions.raise_compiler_error("area_matches is not written for " ~ target.type ~ " yet: add " ~ target.type ~ "__area_matches") }}
{% endmacro %}
{% macro duckdb__area_matches(layer, lon, lat, on_date) %}struct_extract(place_in__{{ layer }}({{ lon }}, {{ lat }}, {{ on_date }}), 'matches'){% endmacro %}

{# Whether the area with that code holds the point, though `area_of` may name a smaller one; null without a code. #}
{% macro area_holds(layer, lon, lat, on_date, code) %}{{ return(adapter.dispatch('area_holds')(layer, lon, lat, on_date, code)) }}{% endmacro %}
{% macro default__area_holds(layer, lon, lat, on_date, code) %}
  {{ exceptions.raise_compiler_error("area_holds is not written for " ~ target.type ~ " yet: add " ~ target.type ~ "__area_holds") }}
{% endmacro %}
{% macro duckdb__area_holds(layer, lon, lat, on_date, code) %}is_in__{{ layer }}({{ lon }}, {{ lat }}, {{ on_date }}, {{ code }}){% endmacro %}

{# A day that stands for the set of the layer in force at a moment: two moments have the same one if and only if the same set places their
   points. Asking once per place and set, not once per row, is what it is for. A moment without a set has a day of its own, in no set. #}
{% macro area_day(layer, moment, tz) %}{{ return(adapter.dispatch('area_day')(layer, moment, tz)) }}{% endmacro %}
{% macro default__area_day(layer, moment, tz) %}{{ local_date(moment, tz) }}{% endmacro %}
{% macro duckdb__area_day(layer, moment, tz) %}geo.day_of__{{ layer }}({{ moment }}, '{{ tz }}'){% endmacro %}
