-- The product's settings as one row of numbers and words. Lookups are text; what a cell means is said here.
{{ config(materialized='view') }}
select
    max(case when policy_code = 'publish' then value end) as publish,
    max(case when policy_code = 'show_closed' then value end) = 'true' as is_closed_shown,
    cast(max(case when policy_code = 'fresh_days' then value end) as integer) as fresh_days,
    cast(max(case when policy_code = 'aging_days' then value end) as integer) as aging_days,
    cast(max(case when policy_code = 'expire_days' then value end) as integer) as expire_days,
    cast(max(case when policy_code = 'verify_days_most' then value end) as integer) as verify_days_most,
    cast(max(case when policy_code = 'verify_days_least' then value end) as integer) as verify_days_least,
    cast(max(case when policy_code = 'do_not_call_days' then value end) as integer) as do_not_call_days,
    cast(max(case when policy_code = 'duplicate_threshold' then value end) as double) as duplicate_threshold,
    max(case when policy_code = 'timezone' then value end) as timezone
from {{ source('lookup', 'policies') }}
