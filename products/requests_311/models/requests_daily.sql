-- Requests per day of creation, council, type and status. Adding up any of its columns gives the same number in `requests`.
select
    created_on,
    council_code,
    request_type_code,
    status_code,
    cast(count(*) as {{ dbt.type_bigint() }}) as request_count,
    cast(sum(case when is_resident_demand then 1 else 0 end) as {{ dbt.type_bigint() }}) as resident_request_count,
    cast(sum(case when is_crew_logged then 1 else 0 end) as {{ dbt.type_bigint() }}) as crew_request_count
from {{ ref('requests') }}
group by created_on, council_code, request_type_code, status_code
