-- Exact places of the types that the public dataset shows only roughly. Restricted: see the contract.
select request_id, request_type_code, created_on, address, zip_code, longitude, latitude, council_code
from {{ ref('requests') }}
where is_sensitive
