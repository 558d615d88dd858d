-- The same campaigns and calls, whichever view one asks. Batches without created_at have no day.
with by_status as (
    select account, sum(campaigns) as campaigns, sum(completed_count) as completed, sum(failed_count) as failed
    from {{ source("magpipe", "report_status") }}
    group by account
),
by_day as (
    select account, sum(campaigns) as campaigns, sum(completed_count) as completed, sum(failed_count) as failed
    from {{ source("magpipe", "report_daily") }}
    group by account
),
without_day as (
    select
        account,
        count(*) as campaigns,
        sum(greatest(completed_count, 0)) as completed,
        sum(greatest(failed_count, 0)) as failed
    from {{ source("magpipe", "report_campaigns") }}
    where created_at is null
    group by account
)
select by_status.account
from by_status
left join by_day on by_day.account = by_status.account
left join without_day on without_day.account = by_status.account
where by_status.campaigns <> coalesce(by_day.campaigns, 0) + coalesce(without_day.campaigns, 0)
   or by_status.completed <> coalesce(by_day.completed, 0) + coalesce(without_day.completed, 0)
   or by_status.failed <> coalesce(by_day.failed, 0) + coalesce(without_day.failed, 0)
