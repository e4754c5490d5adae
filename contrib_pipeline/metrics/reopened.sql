-- name: lock
-- Waits for aggregations under way: one that began before the fact was written must not declare its day final after.
select pg_advisory_xact_lock(hashtext('metrics.daily'), 0)

-- name: hold
-- Shows that this connection computes what it takes, until it is closed.
select pg_advisory_lock_shared(hashtext('metrics.reopening'), 0)

-- name: take
with mark as (
  delete from metrics.reopened returning repository_id, from_day, marked_at
),
left_over as (
  delete from metrics.reopening using metrics.left_over
  where reopening.taken_in = left_over.taken_in and reopening.repository_id = left_over.repository_id
  returning reopening.repository_id, reopening.from_day, reopening.marked_at
)
insert into metrics.reopening (taken_in, repository_id, from_day, marked_at)
select pg_current_xact_id(), repository_id, min(from_day), min(marked_at)
from (table mark union all table left_over) as untaken
group by repository_id

-- name: apply
with mark as (
  select repository_id, from_day from metrics.reopening where taken_in = pg_current_xact_id()
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
select count(*) as repositories, min(from_day) as from_day, pg_current_xact_id()::text as taking from mark

-- name: touched_workspaces
select distinct workspace_id
from metrics.reopening
join workspaces.repositories using (repository_id)
join workspaces.workspaces on workspaces.id = workspace_id and is_active
where taken_in = %(taking)s::xid8
order by workspace_id

-- name: settle
-- A mark is about the repository and all its workspaces: that of a repository in no workspace is settled only when
-- everything is computed.
delete from metrics.reopening
where taken_in = %(taking)s::xid8
  and (
    %(workspace_ids)s::uuid[] is null
    or (
      select array_agg(workspace_id)
      from workspaces.repositories
      join workspaces.workspaces on workspaces.id = workspace_id
      where repositories.repository_id = reopening.repository_id and is_active
    ) <@ %(workspace_ids)s
  )

-- name: waiting
select count(distinct repository_id) as repositories, min(marked_at) as since, min(from_day) as from_day
from (
  select repository_id, marked_at, from_day from metrics.reopened
  union all
  select repository_id, marked_at, from_day from metrics.left_over
) as mark
