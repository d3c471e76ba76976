-- Every place that requests name, once, with the areas that hold it: requests share places (crossings, parks, the same house), and asking
-- about a place costs more than finding it again. What the city said about the council is part of the key, so that an overlap
-- can be judged here as well. Days stand for the boundary sets in force, so that a place is not asked about again every day.
{% set tz = var('timezone', 'America/Los_Angeles') %}
with named as (
    {%- for relation in ('stg_legacy', 'stg_cases') %}
    select
        longitude, latitude, coalesce(source_council_code, '') as source_council_code,
        {{ area_day('council', 'created_at', tz) }} as council_day, {{ area_day('district', 'created_at', tz) }} as district_day
    from {{ ref(relation) }}
    where longitude is not null and latitude is not null
    {%- if not loop.last %} union all {%- endif %}
    {%- endfor %}
),

places as (
    select distinct longitude, latitude, source_council_code, council_day, district_day from named
)

select
    *,
    {{ area_of('council', 'longitude', 'latitude', 'council_day') }} as council_code,
    {{ area_matches('council', 'longitude', 'latitude', 'council_day') }} as council_matches,
    {{ area_holds('council', 'longitude', 'latitude', 'council_day', 'source_council_code') }} as is_source_council_right,
    {{ area_of('district', 'longitude', 'latitude', 'district_day') }} as district_code
from places
