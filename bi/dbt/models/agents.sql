-- How each voice agent does, over all of its campaigns.
select
    max(created_at) as newest_created_at,
    account,
    coalesce(agent_id, 'none') as agent_id,
    count(*) as campaigns,
    cast(sum(attempted_count) as bigint) as attempted_count,
    cast(sum(greatest(completed_count, 0)) as bigint) as completed_count,
    cast(
        sum(greatest(completed_count, 0)) / nullif(sum(attempted_count), 0) as double precision
    ) as success_rate,
    case when count(*) = count(proven_at) then min(proven_at) end as proven_at
from {{ source("magpipe", "report_campaigns") }}
group by account, coalesce(agent_id, 'none')
