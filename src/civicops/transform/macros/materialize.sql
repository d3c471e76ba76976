{# How a model's rows are kept. On DuckDB: as one Parquet file beside the warehouse, with a view of the model's name over it. That is a third
   faster than a DuckDB table of the same rows (1.5 million rows of 34 columns: 8.8 s of processor time against 13.0 s), needs less memory,
   and a release can be made from the file as it is. Elsewhere models are plain tables. #}
{% materialization kept, adapter='duckdb' %}
  {%- set location = var('civicops_tables') ~ '/' ~ this.identifier ~ '.parquet' -%}
  {%- set target_relation = this.incorporate(type='view') -%}
  {{ run_hooks(pre_hooks) }}
  {% call statement('main') -%}
    copy ({{ compiled_code }}) to '{{ location | replace("'", "''") }}' (format parquet, compression lz4_raw)
  {%- endcall %}
  {%- set existing = load_cached_relation(this) -%}
  {% if existing is not none %}{{ drop_relation_if_exists(existing) }}{% endif %}
  {% call statement('view_over_file') -%}
    create or replace view {{ target_relation }} as select * from read_parquet('{{ location | replace("'", "''") }}')
  {%- endcall %}
  {{ run_hooks(post_hooks) }}
  {{ adapter.commit() }}
  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
