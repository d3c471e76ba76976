-- Lines of whole runs: those that name no dataset.
select
    run_id, ended_at, product_name, status_code, trigger_name, duration_seconds, fetched_row_count, check_count, broken_check_count
from {{ source('accepted', 'run_lines') }}
where dataset_name is null
