-- Rows of the new system under the names that both systems share. Numbers and spellings are still the source's.
{{ config(materialized='view') }}
select
    r.case_number as request_id,
    'cases' as era,
    r._source as source_dataset,
    r.created_at,
    r.updated_at,
    r.closed_at,
    r.request_type as source_request_type,
    r.status as source_status,
    r.request_source as source_channel,
    r.owner as source_owner,
    r.resolution_code as resolution,
    r.is_anonymous,
    r.address,
    r.zip_code,
    r.longitude,
    r.latitude,
    case when r.source_council_code > 0 then cast(r.source_council_code as {{ dbt.type_string() }}) end as source_council_code,
    r.source_district_code,
    r.planning_area,
    r.police_precinct,
    r._flags as flags
from {{ source('accepted', 'cases') }} as r
