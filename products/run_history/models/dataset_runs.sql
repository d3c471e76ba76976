select
    run_id, dataset_name, ended_at, product_name, layer_code, status_code, input_row_count, accepted_row_count,
    quarantined_row_count, ignored_row_count, published_row_count, is_changed, release_version, size_bytes, check_count,
    broken_check_count
from {{ source('accepted', 'run_lines') }}
where dataset_name is not null
