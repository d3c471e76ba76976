-- Each drive as it stands: its last day, and its last whole look.
with newest as (
    select d.*, row_number() over (partition by drive_id order by observed_on desc) as rank from {{ ref('drive_days') }} as d
),
good as (
    select d.*, row_number() over (partition by drive_id order by observed_on desc) as rank
    from {{ ref('drive_days') }} as d where is_complete
)
select
    n.drive_id, n.drive_name, n.state_code, n.is_complete, n.reason, n.taken_at as looked_at, g.taken_at as last_good_at,
    g.file_count, g.folder_count, g.trashed_item_count, g.item_count, g.size_bytes, g.manager_count, g.managers, g.seal
from newest as n left join good as g on g.drive_id = n.drive_id and g.rank = 1
where n.rank = 1
