-- Rows of the old system under the names that both systems share. Numbers and spellings are still the source's.
{{ config(materialized='view') }}
select
    r.sr_number as request_id,
    'legacy' as era,
    r._source as source_dataset,
    r.created_at,
    r.updated_at,
    r.closed_at,
    r.request_type as source_request_type,
    r.status as source_status,
    r.request_source as source_channel,
    r.owner as source_owner,
    cast(null as {{ dbt.type_string() }}) as resolution,
    r.is_anonymous,
    r.address,
    r.zip_code,
    r.longitude,
    r.latitude,
    -- Councils certified before they had a number stood under 0, told apart by their name.
    case
        when f.council_code is not null then f.council_code
        when r.source_council_code > 0 then cast(r.source_council_code as {{ dbt.type_string() }})
    end as source_council_code,
    r.source_district_code,
    r.planning_area,
    r.police_precinct,
    r._flags as flags
from {{ source('accepted', 'legacy_requests') }} as r
left join {{ source('lookup', 'source_council_fixes') }} as f
    on r.source_council_code = cast(f.source_council_code as {{ dbt.type_bigint() }})
    and r.source_council_name = f.source_council_name
