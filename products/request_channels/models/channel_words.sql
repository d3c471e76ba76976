-- Which words of the city stand for each channel, since when and how often.
select
    source_channel,
    source_code,
    cast(count(*) as {{ dbt.type_bigint() }}) as request_count,
    min(created_on) as first_on,
    max(created_on) as last_on
from {{ source('release', 'requests_311__requests') }}
where source_channel is not null
group by source_channel, source_code
