-- What people in need of food are shown: the last approved version of each listing, with how fresh it is.
select
    c.listing_id, c.version_number, c.point_quality_code, c.service_area_code,
    c.name, c.description, c.organization_name, c.agency_type, c.category_codes, c.category_notes, c.tag_names, c.address_1,
    c.address_2, c.city, c.state_province, c.postal_code, c.country_code, c.latitude, c.longitude, c.accessibility, c.phone_number,
    c.phone_extension, c.other_phone_numbers, c.email, c.url, c.facebook_url, c.twitter_url, c.pinterest_url, c.linkedin_url,
    c.instagram_url, c.hours_text, c.hours_notes, c.is_walkin, c.is_by_appointment, c.items, c.services, c.eligibility_description,
    c.eligibility_notes, c.food_types, c.has_bakery, c.has_dry_goods, c.has_produce, c.has_dairy, c.has_prepared, c.has_meat,
    c.language_names, c.notes, c.closure_notes, c.status_code, c.has_donation_pickup, c.is_frozen_accepted,
    c.is_refrigerated_accepted, c.is_perishable_accepted,
    c.version_number > 0 as is_verified,
    v.approved_at,
    p.last_confirmed_at,
    case
        when p.last_confirmed_at is null then 'never'
        when p.confirmed_days_ago <= n.fresh_days then 'fresh'
        when p.confirmed_days_ago <= n.aging_days then 'aging'
        else 'stale'
    end as freshness_code,
    s.confirmed_share,
    c.version_number > 0 and s.state_code <> 'approved' as is_reverification_open
from {{ ref('int_public') }} as p
inner join {{ source('prepared', 'contents') }} as c on c.listing_id = p.listing_id and c.version_number = p.shown_version
inner join {{ source('prepared', 'states') }} as s on s.listing_id = p.listing_id
left join {{ source('prepared', 'versions') }} as v on v.listing_id = c.listing_id and v.version_number = c.version_number
cross join {{ ref('int_policies') }} as n
where p.is_public
