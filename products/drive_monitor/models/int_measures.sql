-- Everything that thresholds are held against: one row per day, scope, subject and measure.
with days as (
    select
        d.*,
        lag(managers) over (partition by drive_id order by observed_on) as managers_before,
        lag(manager_count) over (partition by drive_id order by observed_on) as manager_count_before
    from {{ ref('drive_days') }} as d
),
whole_folders as (
    -- A folder of the drive's root that went, and a file with it.
    select t.drive_id, t.observed_on, count(*) as whole_folders
    from {{ ref('stg_events') }} as t
    where t.is_deletion and t.is_folder and t.path = '/' || t.top_folder
        and exists (
            select 1 from {{ ref('stg_events') }} as f
            where f.drive_id = t.drive_id and f.observed_on = t.observed_on and f.is_deletion and not f.is_folder
                and f.top_folder = t.top_folder
        )
    group by t.drive_id, t.observed_on
),
by_drive as (
    select d.drive_id, d.observed_on, 'deleted_files' as measure_code, cast(d.deleted_files as double) as measured, d.file_count_before as whole
    from days as d
    union all select drive_id, observed_on, 'deleted_bytes', deleted_bytes, null from days
    union all select drive_id, observed_on, 'left_files', left_files, file_count_before from days
    union all select drive_id, observed_on, 'whole_folders', whole_folders, null from whole_folders
    union all select drive_id, observed_on, 'incomplete_looks', case when is_complete or state_code = 'deleted' then 0 else 1 end, null from days
    union all select drive_id, observed_on, 'is_gone', case when state_code in ('deleted', 'out_of_sight') then 1 else 0 end, null from days
    union all select drive_id, observed_on, 'item_slots', item_count, null from days where item_count is not null
    union all select drive_id, observed_on, 'is_without_manager', case when manager_count = 0 then 1 else 0 end, null from days
    union all select drive_id, observed_on, 'new_managers', manager_count - manager_count_before, null from days
    where managers is not null and managers_before is not null and managers <> managers_before
),
by_folder as (
    -- Every folder above a deleted file, at any depth; of several looks a day, all losses and the files before the first.
    select
        drive_id, observed_on, path as subject, sum(deleted_files) as deleted_files, sum(deleted_bytes) as deleted_bytes,
        max(files_before) as files_before
    from {{ source('accepted', 'folder_losses') }} group by drive_id, observed_on, path
),
by_person as (
    select
        drive_id, observed_on, actor as subject, sum(case when is_folder then 0 else 1 end) as deleted_files, sum(size_bytes) as deleted_bytes
    from {{ ref('stg_events') }} where is_deletion and actor is not null group by drive_id, observed_on, actor
)
select drive_id, observed_on, 'drive' as scope_code, drive_id as subject, measure_code, measured, whole from by_drive
union all select drive_id, observed_on, 'folder', subject, 'deleted_files', deleted_files, files_before from by_folder
union all select drive_id, observed_on, 'folder', subject, 'deleted_bytes', deleted_bytes, null from by_folder
union all select drive_id, observed_on, 'person', subject, 'deleted_files', deleted_files, null from by_person
union all select drive_id, observed_on, 'person', subject, 'deleted_bytes', deleted_bytes, null from by_person
