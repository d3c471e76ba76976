-- Every approved version of every listing; which one is public.
select
    v.listing_id, v.version_number, v.approved_at, v.role_code, v.decision_id, v.restores_version, v.changed_fields, v.content,
    coalesce(p.is_public and p.shown_version = v.version_number, false) as is_current
from {{ source('prepared', 'versions') }} as v
left join {{ ref('int_public') }} as p on p.listing_id = v.listing_id
