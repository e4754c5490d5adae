-- name: lock
-- Waits for aggregations under way: one that began before the fact was written must not declare its day final after.
select pg_advisory_xact_lock(hashtext('metrics.daily'), 0)

-- name: apply
with mark as (
  delete from metrics.reopened returning repository_id, from_day
),
of_workspace as (
  select workspace_id, min(from_day) as from_day
  from mark
  join workspaces.repositories using (repository_id)
  group by workspace_id
),
workspace_days as (
  update metrics.workspace_daily set is_final = false from of_workspace
  where workspace_daily.workspace_id = of_workspace.workspace_id and day >= from_day and is_final
),
repository_days as (
  update metrics.repository_daily set is_final = false from mark
  where repository_daily.repository_id = mark.repository_id and day >= from_day and is_final
)
select count(*) as repositories, min(from_day) as from_day from mark

-- name: waiting
select count(*) as repositories, min(marked_at) as since, min(from_day) as from_day from metrics.reopened
