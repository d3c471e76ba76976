-- What became of items. Trash and purge are deletions; what left the drive or cannot be seen any more is not, but is told too.
{{ config(materialized='view') }}
select
    drive_id, observed_at, observed_on, since_at, item_id, event_code, name, path, top_folder, is_folder, mime_type,
    coalesce(size_bytes, 0) as size_bytes, top_folder_files, editor, happened_at, actor, known_by, moved_to_drive_id,
    event_code in ('trashed', 'purged') as is_deletion,
    event_code in ('moved_out', 'access_lost', 'unknown') as is_departure
from {{ source('accepted', 'item_events') }}
