-- What all topics of the trends have in common. "windows", then a topic's "numbers", then "write" are one statement;
-- what stands before "numbers" in a topic's file is executed before it.

-- name: set_planner
-- Half a year of facts of all workspaces is grouped and sorted: in memory, as far as it fits.
select set_config('jit', 'off', true), set_config('work_mem', '128MB', true)

-- name: lock
select pg_advisory_xact_lock(hashtext('metrics.workspace_trends ' || %(topic)s), %(day)s::date - date '2000-01-01')

-- name: delete
delete from metrics.workspace_trends
where day = %(day)s and metric = any(%(metrics)s)
  and (%(workspace_ids)s::uuid[] is null or workspace_id = any(%(workspace_ids)s))

-- name: windows
-- Three windows that end with the day, each with the one before it; every number from the facts of its window. Their
-- ends cut the time into six parts, 1 the earliest, which begin at %(starts)s: a fact is read once, put into its part,
-- and a window is parts.
with span (span, window_days, is_current, parts) as (
  values
    (1, 7, true, 64), (2, 7, false, 32), (3, 30, true, 112), (4, 30, false, 8), (5, 90, true, 124), (6, 90, false, 2)
),
span_part (span, part) as (
  values (1, 6), (2, 5), (3, 4), (3, 5), (3, 6), (4, 3), (5, 2), (5, 3), (5, 4), (5, 5), (5, 6), (6, 1)
),
workspace as materialized (
  select
    workspaces.id as workspace_id, bool_or(coalesce(is_partial, repository_id is not null)) as is_partial
  from workspaces.workspaces
  left join workspaces.repositories on workspace_id = workspaces.id
  left join metrics.repository_state using (repository_id)
  where is_active and (%(workspace_ids)s::uuid[] is null or workspaces.id = any(%(workspace_ids)s))
  group by workspaces.id
)

-- name: write
insert into metrics.workspace_trends (workspace_id, day, window_days, metric, current, previous, change_percent)
select
  workspace_id, %(day)s, window_days, metric,
  current, previous, 100 * (current - previous) / nullif(previous, 0)
from (
  select
    workspace_id, window_days, metric,
    max(value) filter (where is_current) as current,
    max(value) filter (where not is_current and not is_partial) as previous
  from number
  group by workspace_id, window_days, metric
) as both_windows

-- name: read
select window_days, metric, current, previous, change_percent
from metrics.workspace_trends
where workspace_id = %(workspace_id)s and day = %(day)s
order by metric, window_days
