-- The days put together into weeks, which begin on Monday; rates are made of the week's sums.
select
    cast(date_trunc('week', day) as date) as week,
    account,
    cast(sum(campaigns) as bigint) as campaigns,
    cast(sum(total_recipients) as bigint) as total_recipients,
    cast(sum(attempted_count) as bigint) as attempted_count,
    cast(sum(completed_count) as bigint) as completed_count,
    cast(sum(failed_count) as bigint) as failed_count,
    cast(sum(completed_count) / nullif(sum(attempted_count), 0) as double precision) as success_rate,
    case when count(*) = count(proven_at) then min(proven_at) end as proven_at
from {{ source("magpipe", "report_daily") }}
group by 1, 2
