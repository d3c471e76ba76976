-- One clean row per request of either system.
--
-- is_open, is_closed: the status says so, never the presence of a date. Cases that are closed with a resolution that says duplicate,
-- cancelled or referred have that status instead: nobody did that work.
-- hours_to_close: null where it is not known - still open, no closing date, closed in the second it was entered (such work was
-- done before it was entered), ended without work.
-- is_resident_demand: somebody asked the city for a service: a type that is one, a channel that is no crew's, not a duplicate, not a
-- test queue. Null where a word that decides it is not mapped yet.
-- council_code: the council of today's map that holds the point; the smaller one where two overlap; 'none' outside all,
-- 'unknown' without a point. district_code: the district of the plan in force on the day the request was made.
{% set tz = var('timezone', 'America/Los_Angeles') %}
with records as (
    select r.* from {{ ref('stg_legacy') }} as r
    where r.request_id not in (select request_id from {{ ref('int_overlap') }})
    union all
    select * from {{ ref('stg_cases') }}
),

types as (
    select v.era, v.source_value, c.request_type_code, cast(c.is_service_request as boolean) as is_service_request,
        cast(c.is_information_only as boolean) as is_information_only, cast(c.is_sensitive as boolean) as is_sensitive
    from {{ ref('int_type_words') }} as v
    inner join {{ source('lookup', 'request_type_codes') }} as c on v.code = c.request_type_code
),

channels as (
    select distinct v.era, v.source_value, v.code as source_code, cast(s.is_crew as boolean) as is_crew
    from {{ ref('int_channel_words') }} as v
    left join {{ source('lookup', 'request_sources') }} as s on v.code = s.source_code
),

departments as (
    select v.era, v.source_value, c.department_code, cast(c.is_test as boolean) as is_test,
        -- Words outside the lookup may be a member of staff's name; they stay inside.
        case when c.department_code not in ('unmapped', 'test') then v.source_value end as source_owner
    from {{ ref('int_department_words') }} as v
    inner join {{ source('lookup', 'department_codes') }} as c on v.code = c.department_code
),

coded as (
    select
        r.*,
        coalesce(t.request_type_code, 'unmapped') as request_type_code,
        t.is_service_request,
        coalesce(t.is_information_only, false) as is_information_only,
        coalesce(t.is_sensitive, false) as is_sensitive,
        coalesce(h.source_code, 'unmapped') as source_code,
        h.is_crew,
        coalesce(d.department_code, 'unmapped') as department_code,
        coalesce(d.is_test, false) as is_test,
        d.source_owner as known_owner,
        o.code as outcome_code,
        -- A resolution can only change a status that says closed.
        case
            when s.code = 'closed' and o.code in ('duplicate', 'cancelled', 'referred') then o.code
            else coalesce(s.code, 'unmapped')
        end as status_code,
        {{ local_date('r.created_at', tz) }} as created_on,
        {{ area_day('council', 'r.created_at', tz) }} as council_day,
        {{ area_day('district', 'r.created_at', tz) }} as district_day
    from records as r
    left join types as t on r.era = t.era and r.source_request_type = t.source_value
    left join channels as h on r.era = h.era and r.source_channel = h.source_value
    left join departments as d on r.era = d.era and r.source_owner = d.source_value
    left join {{ ref('int_status_words') }} as s on r.era = s.era and r.source_status = s.source_value
    left join {{ ref('int_resolution_words') }} as o on r.era = o.era and r.resolution = o.source_value
),

placed as (
    select
        c.*,
        l.council_code as council_here,
        l.council_matches,
        l.is_source_council_right,
        l.district_code
    from coded as c
    left join {{ ref('int_places') }} as l
        on c.longitude = l.longitude and c.latitude = l.latitude
        and coalesce(c.source_council_code, '') = l.source_council_code
        and c.council_day = l.council_day and c.district_day = l.district_day
)

select
    p.request_id,
    p.era,
    p.source_dataset,
    p.request_type_code,
    p.source_request_type,
    p.status_code,
    p.source_status,
    cast(s.is_open as boolean) as is_open,
    cast(s.is_closed as boolean) as is_closed,
    p.outcome_code,
    p.source_code,
    p.source_channel,
    p.department_code,
    p.known_owner as source_owner,
    p.is_service_request and not p.is_crew and not cast(s.is_duplicate as boolean) and not p.is_test as is_resident_demand,
    coalesce(p.is_crew, false) as is_crew_logged,
    p.is_information_only,
    p.is_sensitive,
    p.is_anonymous,
    p.created_at,
    p.created_on,
    p.updated_at,
    p.closed_at,
    case
        when s.is_closed = 'true' and p.closed_at > p.created_at then {{ hours_between('p.created_at', 'p.closed_at') }}
    end as hours_to_close,
    p.address,
    p.zip_code,
    p.longitude,
    p.latitude,
    case when p.longitude is null or p.latitude is null then 'unknown' else coalesce(p.council_here, 'none') end as council_code,
    cast(case when p.longitude is not null and p.latitude is not null then p.council_matches end as {{ dbt.type_bigint() }})
        as council_matches,
    p.source_council_code,
    case
        when p.council_here = p.source_council_code then true
        -- Where councils overlap the city may name the larger one, which holds the point as well.
        when p.council_matches > 1 and p.source_council_code is not null then p.is_source_council_right
        when p.council_here is not null and p.source_council_code is not null then false
    end as is_council_agreed,
    p.district_code,
    cast(p.source_district_code as {{ dbt.type_string() }}) as source_district_code,
    p.district_code = cast(p.source_district_code as {{ dbt.type_string() }}) as is_district_agreed,
    p.planning_area,
    p.police_precinct,
    p.flags
from placed as p
inner join {{ source('lookup', 'status_codes') }} as s on p.status_code = s.status_code
