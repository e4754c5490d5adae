-- name: delete_days_before
with of_workspaces as (
  delete from metrics.workspace_daily where day < %(first_kept)s returning day
),
of_repositories as (
  delete from metrics.repository_daily where day < %(first_kept)s returning day
),
of_trends as (
  delete from metrics.workspace_trends where day < %(first_kept)s returning day
)
select day, count(*) as rows
from (
  select day from of_workspaces
  union all
  select day from of_repositories
  union all
  select day from of_trends
) as deleted
group by day
order by day
