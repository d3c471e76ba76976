-- One row per drive and day, with what was lost and what came back since the last good look.
with happened as (
    select
        drive_id, observed_on,
        sum(case when is_deletion and not is_folder then 1 else 0 end) as deleted_files,
        sum(case when is_deletion and is_folder then 1 else 0 end) as deleted_folders,
        sum(case when is_deletion then size_bytes else 0 end) as deleted_bytes,
        sum(case when is_departure and not is_folder then 1 else 0 end) as left_files,
        sum(case when event_code = 'moved_to_drive' and not is_folder then 1 else 0 end) as moved_to_drive_files,
        sum(case when event_code = 'returned' and not is_folder then 1 else 0 end) as returned_files
    from {{ ref('stg_events') }}
    group by drive_id, observed_on
),
named as (
    select drive_id, max(drive_name) as drive_name from {{ source('accepted', 'observations') }} group by drive_id
),
joined as (
    select
        d.*, coalesce(n.drive_name, d.drive_id) as known_name,
        coalesce(h.deleted_files, 0) as deleted_files, coalesce(h.deleted_folders, 0) as deleted_folders,
        coalesce(h.deleted_bytes, 0) as deleted_bytes, coalesce(h.left_files, 0) as left_files,
        coalesce(h.moved_to_drive_files, 0) as moved_to_drive_files, coalesce(h.returned_files, 0) as returned_files
    from {{ ref('int_days') }} as d
    left join happened as h on h.drive_id = d.drive_id and h.observed_on = d.observed_on
    left join named as n on n.drive_id = d.drive_id
)
select
    drive_id, known_name as drive_name, observed_on, taken_at, is_complete, state_code, reason, compared_with_at, file_count, folder_count,
    trashed_item_count, item_count, size_bytes,
    -- The files that were there before: what a share is taken of. The last whole look, not yesterday.
    coalesce(
        last_value(file_count ignore nulls) over (
            partition by drive_id order by observed_on rows between unbounded preceding and 1 preceding
        ),
        file_count_at_first
    ) as file_count_before,
    cast(deleted_files as {{ dbt.type_bigint() }}) as deleted_files,
    cast(deleted_folders as {{ dbt.type_bigint() }}) as deleted_folders,
    cast(deleted_bytes as {{ dbt.type_bigint() }}) as deleted_bytes,
    cast(left_files as {{ dbt.type_bigint() }}) as left_files,
    cast(moved_to_drive_files as {{ dbt.type_bigint() }}) as moved_to_drive_files,
    cast(returned_files as {{ dbt.type_bigint() }}) as returned_files,
    added_item_count, moved_item_count, renamed_item_count, repeated_item_count, slipped_item_count, managers, manager_count, seal
from joined
