-- name: set_planner
-- Half a year of facts of all workspaces is grouped and sorted: in memory, as far as it fits.
select set_config('jit', 'off', true), set_config('work_mem', '128MB', true)

-- name: lock
select pg_advisory_xact_lock(hashtext('metrics.workspace_trends'), %(day)s::date - date '2000-01-01')

-- name: delete
delete from metrics.workspace_trends
where day = %(day)s and (%(workspace_ids)s::uuid[] is null or workspace_id = any(%(workspace_ids)s))

-- name: write
-- Three windows that end with the day, each with the one before it; every number from the facts of its window.
with span as (
  select
    days as window_days, is_current,
    %(stop)s - make_interval(days => case when is_current then days else 2 * days end) as start,
    %(stop)s - make_interval(days => case when is_current then 0 else days end) as stop
  from unnest(array[7, 30, 90]) as days
  cross join unnest(array[true, false]) as is_current
),
member as materialized (
  select workspaces.id as workspace_id, repository_id, coalesce(is_partial, repository_id is not null) as is_partial
  from workspaces.workspaces
  left join workspaces.repositories on workspace_id = workspaces.id
  left join metrics.repository_state using (repository_id)
  where is_active and (%(workspace_ids)s::uuid[] is null or workspaces.id = any(%(workspace_ids)s))
),
deed as materialized (
  select
    repository_id, window_days, is_current, actor_id, is_person,
    count(*) filter (where what = 'pull request opened') as opened,
    count(*) filter (where what = 'pull request merged') as merged,
    count(*) filter (where what = 'review') as reviews,
    count(*) filter (where what = 'comment') as comments,
    bool_or(is_activity) as is_active
  from metrics.facts
  join span on at >= start and at < stop
  where at >= %(stop)s - interval '180 days' and at < %(stop)s
    and (%(repository_ids)s::bigint[] is null or repository_id = any(%(repository_ids)s))
  group by repository_id, window_days, is_current, actor_id, is_person
),
counted as (
  select
    workspace_id, window_days, is_current,
    sum(opened) as pull_requests_opened,
    sum(merged) as pull_requests_merged,
    sum(reviews) as reviews,
    sum(comments) as comments,
    count(distinct actor_id) filter (where is_person and is_active) as active_contributors
  from member
  join deed using (repository_id)
  group by workspace_id, window_days, is_current
),
timed as (
  select
    workspace_id, window_days, is_current,
    percentile_cont(0.5) within group (order by hours) filter (where what = 'pull request merged') as merge_hours_p50,
    percentile_cont(0.5) within group (order by hours) filter (where what = 'first review') as first_review_hours_p50
  from member
  join metrics.facts using (repository_id)
  join span on at >= start and at < stop
  where what in ('pull request merged', 'first review') and is_person
    and at >= %(stop)s - interval '180 days' and at < %(stop)s
    and (%(repository_ids)s::bigint[] is null or facts.repository_id = any(%(repository_ids)s))
  group by workspace_id, window_days, is_current
),
newcomer as (
  select workspace_id, min(first_at) as first_at
  from member
  join metrics.first_activity using (repository_id)
  join github.contributors on contributors.id = contributor_id
  where kind in ('user', 'mannequin') and not is_bot
  group by workspace_id, contributor_id
),
arrived as (
  select workspace_id, window_days, is_current, count(*) as new_contributors
  from newcomer
  join span on first_at >= start and first_at < stop
  group by workspace_id, window_days, is_current
),
merger as (
  select
    workspace_id, window_days, is_current, sum(deed.merged) as merged,
    row_number() over by_merges as place,
    sum(sum(deed.merged)) over by_merges as merged_so_far
  from member
  join deed using (repository_id)
  where is_person and deed.merged > 0
  group by workspace_id, window_days, is_current, actor_id
  window by_merges as (
    partition by workspace_id, window_days, is_current order by sum(deed.merged) desc, actor_id
    rows between unbounded preceding and current row
  )
),
absence as (
  select workspace_id, window_days, is_current, min(place) filter (where 2 * merged_so_far >= all_merged) as factor
  from (
    select *, sum(merged) over (partition by workspace_id, window_days, is_current) as all_merged from merger
  ) as merger
  group by workspace_id, window_days, is_current
),
number as (
  select workspace_id, window_days, is_current, is_partial, metric, value
  from (select workspace_id, bool_or(is_partial) as is_partial from member group by workspace_id) as workspace
  cross join span
  left join counted using (workspace_id, window_days, is_current)
  left join timed using (workspace_id, window_days, is_current)
  left join arrived using (workspace_id, window_days, is_current)
  left join absence using (workspace_id, window_days, is_current)
  cross join lateral (
    values
      ('pull_requests_opened', coalesce(pull_requests_opened, 0)::double precision),
      ('pull_requests_merged', coalesce(pull_requests_merged, 0)),
      ('reviews', coalesce(reviews, 0)),
      ('comments', coalesce(comments, 0)),
      ('active_contributors', coalesce(active_contributors, 0)),
      ('new_contributors', case when not is_partial then coalesce(new_contributors, 0) end),
      ('merge_hours_p50', merge_hours_p50),
      ('first_review_hours_p50', first_review_hours_p50),
      ('contributor_absence_factor', case when not is_partial then factor end)
  ) as named (metric, value)
)
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
