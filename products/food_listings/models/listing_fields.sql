-- How fresh each critical field of what is shown is.
select f.listing_id, f.field_code, f.state_code, f.value_text, f.confirmed_at, f.role_code, f.evidence_code, f.is_stale, f.is_critical
from {{ source('prepared', 'fields') }} as f
inner join {{ ref('int_public') }} as p on p.listing_id = f.listing_id and p.is_public
