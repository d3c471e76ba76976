-- Every threshold that was reached: which rule, where, how much. Thresholds are lookups/thresholds.csv. A line may name a drive, and
-- a subject: a folder's path at any depth, or a person's address. The line that says most about a subject takes the place of the
-- others of the same rule there.
with rules as (
    select
        rule_code, nullif(drive_id, '') as only_drive_id, nullif(subject, '') as only_subject, severity_code, scope_code, measure_code, meaning,
        cast(minimum as double) as minimum, cast(nullif(minimum_percent, '') as double) as minimum_percent,
        cast(nullif(baseline_factor, '') as double) as baseline_factor, cast(window_days as integer) as window_days
    from {{ source('lookup', 'thresholds') }}
),
windows as (
    select
        m.drive_id, m.observed_on, m.scope_code, m.subject, m.measure_code, r.rule_code, r.severity_code, r.minimum,
        r.minimum_percent, r.baseline_factor, r.window_days, r.meaning,
        (
            select sum(p.measured) from {{ ref('int_measures') }} as p
            where p.drive_id = m.drive_id and p.scope_code = m.scope_code and p.subject = m.subject and p.measure_code = m.measure_code
                and p.observed_on <= m.observed_on and p.observed_on > m.observed_on - r.window_days
        ) as measured,
        (
            select max(p.whole) from {{ ref('int_measures') }} as p
            where p.drive_id = m.drive_id and p.scope_code = m.scope_code and p.subject = m.subject and p.measure_code = m.measure_code
                and p.observed_on <= m.observed_on and p.observed_on > m.observed_on - r.window_days
        ) as whole,
        case when r.baseline_factor is not null then (
            -- What is much for this drive: the highest day but one in twenty of the 90 days before, at least one file.
            select case when count(*) >= 14 then greatest(1, quantile_cont(p.measured, 0.95)) end from {{ ref('int_measures') }} as p
            where p.drive_id = m.drive_id and p.scope_code = m.scope_code and p.subject = m.subject and p.measure_code = m.measure_code
                and p.observed_on < m.observed_on and p.observed_on >= m.observed_on - 90
        ) end as baseline
    from {{ ref('int_measures') }} as m
    inner join rules as r on r.scope_code = m.scope_code and r.measure_code = m.measure_code
        and (r.only_drive_id is null or r.only_drive_id = m.drive_id)
        and (r.only_subject is null or r.only_subject = m.subject)
        and not exists (
            select 1 from rules as s
            where s.rule_code = r.rule_code
                and (s.only_drive_id is null or s.only_drive_id = m.drive_id) and (s.only_subject is null or s.only_subject = m.subject)
                and (case when s.only_subject is null then 0 else 2 end) + (case when s.only_drive_id is null then 0 else 1 end)
                > (case when r.only_subject is null then 0 else 2 end) + (case when r.only_drive_id is null then 0 else 1 end)
        )
    where m.measured > 0
),
reached as (
    select w.*, case when w.whole > 0 then 100.0 * w.measured / w.whole end as percent
    from windows as w
    where w.measured >= w.minimum
        and (w.minimum_percent is null or 100.0 * w.measured >= w.minimum_percent * w.whole)
        and (w.baseline_factor is null or w.measured >= w.baseline_factor * w.baseline)
)
select
    a.drive_id, d.drive_name, a.observed_on, a.rule_code, a.severity_code, a.scope_code, a.subject, a.measure_code,
    a.measured, a.percent, a.minimum, a.minimum_percent, a.window_days, a.meaning, d.reason
from reached as a
left join {{ ref('drive_days') }} as d on d.drive_id = a.drive_id and d.observed_on = a.observed_on
-- Of folders within each other that reached one rule on one day, the uppermost speaks for all.
where not exists (
    select 1 from reached as u
    where a.scope_code = 'folder' and u.scope_code = 'folder' and u.drive_id = a.drive_id and u.observed_on = a.observed_on
        and u.rule_code = a.rule_code and length(u.subject) < length(a.subject)
        and substring(a.subject, 1, length(u.subject) + 1) = u.subject || '/'
)
