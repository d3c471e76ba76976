-- Pairs that may be one place.
select
    p.listing_id, p.other_listing_id, p.match_probability_share, p.match_weight, p.explanation, p.distance_meters,
    p.match_probability_share >= n.duplicate_threshold as is_probable, p.decision_code
from {{ source('prepared', 'pairs') }} as p
cross join {{ ref('int_policies') }} as n
