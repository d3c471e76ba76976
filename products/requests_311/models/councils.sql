-- Neighborhood councils of the newest map, with their people where somebody counted them, and two rows that are no councils: requests
-- outside all of them and requests without a point have to stand somewhere.
-- Names are compared without 'NC', hyphens and case; what that does not settle stands in the lookup council_name_fixes.
{% set short_words = ['NC', 'NDC', 'CC'] %}
with newest as (
    select a.area_code, a.area_name, a.area_km2, a.set_id, a.valid_from, s.source
    from {{ source('geo', 'area') }} as a
    inner join {{ source('lookup', 'boundary_sets') }} as s on a.layer = s.layer and a.set_id = s.set_id
    where a.layer = 'council' and a.is_newest
),

regions as (
    select _source as source, area_code, min(region) as region
    from {{ source('accepted', 'council_boundaries') }}
    group by _source, area_code
),

people as (
    select
        p.council_code,
        {{ name_key('coalesce(f.council_name, p.council_name)', short_words) }} as name,
        p.population
    from {{ source('accepted', 'council_populations') }} as p
    left join {{ source('lookup', 'council_name_fixes') }} as f on p.council_name = f.population_name
),

by_name as (
    select name, max(population) as population from people where council_code is null group by name
),

by_code as (
    select council_code, max(population) as population from people where council_code is not null group by council_code
)

select
    n.area_code as council_code,
    coalesce(n.area_name, 'Council ' || n.area_code) as council_name,
    true as is_area,
    {{ dbt.split_part(dbt.split_part('r.region', "' - '", 1), "' '", 2) }} as region_code,
    {{ dbt.split_part('r.region', "' - '", 2) }} as region_name,
    coalesce(c.population, p.population) as population,
    n.area_km2,
    n.set_id as boundary_set_id,
    n.valid_from
from newest as n
left join regions as r on n.source = r.source and n.area_code = r.area_code
left join by_code as c on n.area_code = c.council_code
left join by_name as p on p.name = {{ name_key('n.area_name', short_words) }}
union all
select 'none', 'Outside every council', false, null, null, null, null, null, null
union all
select 'unknown', 'Place not known', false, null, null, null, null, null, null
