-- Hours of what is shown, one row per rule.
select
    h.listing_id, h.schedule_number, h.rule_code, h.freq, coalesce(h.repeat_interval, 1) as repeat_interval, h.byday, h.bymonthday, h.bymonth,
    h.dtstart_on, h.valid_from, h.valid_to, h.holiday_code, h.opens_time, h.closes_time, coalesce(h.is_all_day, false) as is_all_day, h.timezone,
    h.notes, h.source_text
from {{ source('prepared', 'schedules') }} as h
inner join {{ ref('int_public') }} as p on p.listing_id = h.listing_id and p.shown_version = h.version_number
