-- One row per item that was lost, with how long it can be restored and whether it came back.
with came_back as (
    select item_id, observed_at as returned_at from {{ ref('stg_events') }} where event_code = 'returned'
)
select
    e.drive_id, d.drive_name, e.item_id, e.observed_at, e.observed_on, e.event_code, e.is_deletion, e.name, e.path, e.top_folder, e.is_folder,
    e.mime_type, e.size_bytes, e.editor, e.happened_at, e.actor, e.known_by, e.moved_to_drive_id,
    case
        when e.event_code = 'trashed' then {{ dbt.dateadd('day', 30, 'coalesce(e.happened_at, e.since_at)') }}
        when e.event_code = 'purged' then {{ dbt.dateadd('day', 25, 'coalesce(e.happened_at, e.since_at)') }}
    end as restore_by_at,
    (select min(b.returned_at) from came_back as b where b.item_id = e.item_id and b.returned_at > e.observed_at) as returned_at,
    t.tick as settled_tick, t.ticked_by as settled_by, t.ticked_at as settled_at,
    case
        when e.is_folder then 'https://drive.google.com/drive/folders/' || e.item_id
        else 'https://drive.google.com/file/d/' || e.item_id || '/view'
    end as link
from {{ ref('stg_events') }} as e
left join {{ ref('drive_days') }} as d on d.drive_id = e.drive_id and d.observed_on = e.observed_on
left join {{ source('accepted', 'settled_items') }} as t
    on t.drive_id = e.drive_id and t.item_id = e.item_id and t.observed_at = e.observed_at
where e.event_code <> 'returned'
