-- What it brought to run a batch again: each later run beside the run before it.
with runs as (
    select
        *,
        lag(started_at) over of_batch as earlier_started_at,
        lag(success_rate) over of_batch as earlier_success_rate
    from {{ source("magpipe", "batch_runs") }}
    window of_batch as (partition by account, id order by started_at)
)
select
    started_at,
    account,
    id,
    name,
    run_number,
    status,
    attempted_count,
    completed_count,
    success_rate,
    earlier_started_at,
    earlier_success_rate,
    success_rate - earlier_success_rate as success_rate_change,
    proven_at
from runs
where run_number > 1
