-- A line of a check does not say whose it is; the line of its run does.
select
    c.run_id, c.dataset_name, c.check_id, c.ended_at, r.product_name, c.action_name, c.outcome_name, c.row_count,
    c.broken_row_count, c.pass_share
from {{ source('accepted', 'check_lines') }} as c
inner join {{ ref('runs') }} as r on r.run_id = c.run_id
