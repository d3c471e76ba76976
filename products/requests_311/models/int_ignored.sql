-- Accepted rows that are not in `requests`, by reason: with them, rows in = rows out + rows named here.
select
    cast('copy of a case of the new system' as {{ dbt.type_string() }}) as reason,
    source_dataset as dataset,
    cast(count(*) as {{ dbt.type_bigint() }}) as row_count
from {{ ref('int_overlap') }}
group by source_dataset
