-- The worklist: every known listing, where it stands, how likely it is to be wrong, and when it should be verified again.
with weights as (
    select
        sum(case when part_code = 'age' then cast(weight as double) end) as age_weight,
        sum(case when part_code = 'change_rate' then cast(weight as double) end) as change_weight,
        sum(case when part_code = 'disagreement' then cast(weight as double) end) as disagreement_weight,
        sum(case when part_code = 'findings' then cast(weight as double) end) as finding_weight,
        sum(case when part_code = 'demand' then cast(weight as double) end) as demand_weight
    from {{ source('lookup', 'risk_weights') }}
),

scored as (
    select
        r.*, round(
            r.age_part * w.age_weight + r.change_part * w.change_weight + r.disagreement_part * w.disagreement_weight
            + r.finding_part * w.finding_weight + r.demand_part * w.demand_weight, 4
        ) as risk_score
    from {{ ref('int_risk') }} as r
    cross join weights as w
)

select
    s.listing_id,
    coalesce(k.name, c.name, s.listing_id) as name,
    coalesce(k.source_code, 'unknown') as source_code,
    case when p.public_reason_code = 'expired' then 'expired' else s.state_code end as state_code,
    s.merged_into_id, p.is_public, p.public_reason_code, s.assigned_at, s.submitted_at, s.approved_at, s.critical_field_count,
    s.confirmed_field_count, s.confirmed_share, s.is_ready_to_approve, x.finding_count, s.contact_attempt_count, s.last_attempt_at,
    s.last_outcome_code, s.do_not_call_until_on,
    coalesce(s.do_not_call_until_on >= d.day_on, false) as is_do_not_call,
    p.confirmed_days_ago as age_days,
    round(x.change_part, 4) as change_rate_share,
    coalesce(k.disagreement_count, 0) as disagreement_count,
    s.demand_count, x.risk_score,
    trim(
        case when x.age_part >= 1 then 'not confirmed for longer than its limit; ' else '' end
        || case when x.disagreement_part > 0 then 'lists contradict each other; ' else '' end
        || case when x.finding_part >= 0.3 then 'findings of checks; ' else '' end
        || case when x.demand_part > 0 then 'the public sent corrections; ' else '' end
        || case when x.change_part >= 0.25 then 'changed often before; ' else '' end, ' ;'
    ) as risk_reason,
    -- From the last confirmation: the riskier, the sooner. What was never confirmed is due now.
    case
        when s.last_confirmed_at is null then d.day_on
        else cast({{ dbt.dateadd(
            'day', 'cast(round(n.verify_days_most - (n.verify_days_most - n.verify_days_least) * x.risk_score) as integer)',
            'cast(s.last_confirmed_at as date)'
        ) }} as date)
    end as verify_by_on,
    x.duplicate_count
from {{ source('prepared', 'states') }} as s
inner join {{ ref('int_public') }} as p on p.listing_id = s.listing_id
inner join scored as x on x.listing_id = s.listing_id
left join {{ source('prepared', 'known') }} as k on k.listing_id = s.listing_id
left join {{ source('prepared', 'contents') }} as c on c.listing_id = s.listing_id and c.version_number = 1
cross join {{ source('prepared', 'days') }} as d
cross join {{ ref('int_policies') }} as n
