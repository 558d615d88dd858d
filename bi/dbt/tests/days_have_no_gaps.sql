-- Every day is there for every account, also those without a batch.
select account, min(day) as first_day, max(day) as last_day, count(*) as days
from {{ source("magpipe", "report_daily") }}
group by account
having count(*) <> max(day) - min(day) + 1
