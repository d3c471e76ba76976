-- Whether a listing is public, which version of it, and why. Nothing unapproved is, unless the policy says so.
with ages as (
    select
        s.listing_id, s.state_code, s.merged_into_id, s.current_version, s.is_unpublished, s.version_count, s.last_confirmed_at, k.source_code,
        {{ dbt.datediff('cast(s.last_confirmed_at as date)', 'd.day_on', 'day') }} as confirmed_days_ago
    from {{ source('prepared', 'states') }} as s
    left join {{ source('prepared', 'known') }} as k on k.listing_id = s.listing_id
    cross join {{ source('prepared', 'days') }} as d
),

chosen as (
    select
        a.*, c.status_code,
        case
            when a.merged_into_id is not null then 'merged'
            when a.is_unpublished then 'unpublished'
            when a.current_version is not null and a.confirmed_days_ago > p.expire_days then 'expired'
            when a.current_version is not null and c.status_code = 'closed' and not p.is_closed_shown then 'closed'
            when a.current_version is not null then 'approved'
            when p.publish = 'listed' and l.is_public_unverified = 'true' and (w.status_code <> 'closed' or p.is_closed_shown)
                and w.name is not null then 'policy'
            else 'unverified'
        end as public_reason_code
    from ages as a
    cross join {{ ref('int_policies') }} as p
    left join {{ source('prepared', 'contents') }} as c on c.listing_id = a.listing_id and c.version_number = a.current_version
    left join {{ source('prepared', 'contents') }} as w on w.listing_id = a.listing_id and w.version_number = 0
    left join {{ source('lookup', 'source_lists') }} as l on l.source_code = a.source_code
)

select
    listing_id, state_code, merged_into_id, last_confirmed_at, confirmed_days_ago, public_reason_code,
    public_reason_code in ('approved', 'policy') as is_public,
    case public_reason_code when 'approved' then current_version when 'policy' then 0 end as shown_version
from chosen
