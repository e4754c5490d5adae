-- name: set_planner
-- Half a year of facts of all workspaces is grouped and sorted: in memory, as far as it fits.
select set_config('jit', 'off', true), set_config('work_mem', '128MB', true)

-- name: lock
select pg_advisory_xact_lock(hashtext('metrics.workspace_trends'), %(day)s::date - date '2000-01-01')

-- name: delete
delete from metrics.workspace_trends
where day = %(day)s and (%(workspace_ids)s::uuid[] is null or workspace_id = any(%(workspace_ids)s))

-- name: write
-- Three windows that end with the day, each with the one before it; every number from the facts of its window. Their
-- ends cut the time into six parts, 1 the earliest: a fact is read once, put into its part, and a window is parts.
with span (window_days, is_current, first_part, last_part) as (
  values (7, true, 6, 6), (7, false, 5, 5), (30, true, 4, 6), (30, false, 3, 3), (90, true, 2, 6), (90, false, 1, 1)
),
ends as (
  select array_agg(%(stop)s::timestamptz - make_interval(days => days) order by days desc) as starts
  from unnest(array[180, 90, 60, 30, 14, 7]) as days
),
member as materialized (
  select workspaces.id as workspace_id, repository_id, coalesce(is_partial, repository_id is not null) as is_partial
  from workspaces.workspaces
  left join workspaces.repositories on workspace_id = workspaces.id
  left join metrics.repository_state using (repository_id)
  where is_active and (%(workspace_ids)s::uuid[] is null or workspaces.id = any(%(workspace_ids)s))
),
fact as materialized (
  select repository_id, what, actor_id, is_person, is_activity, hours, width_bucket(at, starts) as part
  from metrics.facts, ends
  where at >= %(stop)s - interval '180 days' and at < %(stop)s
    and (%(repository_ids)s::bigint[] is null or repository_id = any(%(repository_ids)s))
),
counted as (
  select
    workspace_id, window_days, is_current,
    sum(opened) as pull_requests_opened,
    sum(merged) as pull_requests_merged,
    sum(reviews) as reviews,
    sum(comments) as comments
  from member
  join (
    select
      repository_id, part,
      count(*) filter (where what = 'pull request opened') as opened,
      count(*) filter (where what = 'pull request merged') as merged,
      count(*) filter (where what = 'review') as reviews,
      count(*) filter (where what = 'comment') as comments
    from fact
    group by repository_id, part
  ) as of_part using (repository_id)
  join span on part between first_part and last_part
  group by workspace_id, window_days, is_current
),
-- The parts in which a person was active are bits: people with the same parts are in the same windows.
present as (
  select workspace_id, parts, count(*) as people
  from (
    select workspace_id, bit_or(parts) as parts
    from member
    join (
      select repository_id, actor_id, bit_or(1 << part) as parts
      from fact
      where is_person and is_activity
      group by repository_id, actor_id
    ) as of_repository using (repository_id)
    group by workspace_id, actor_id
  ) as person
  group by workspace_id, parts
),
active as (
  select workspace_id, window_days, is_current, sum(people) as active_contributors
  from present
  join span on parts & ((2 << last_part) - (1 << first_part)) <> 0
  group by workspace_id, window_days, is_current
),
timed as (
  select
    workspace_id, window_days, is_current,
    percentile_cont(0.5) within group (order by hours) filter (where what = 'pull request merged') as merge_hours_p50,
    percentile_cont(0.5) within group (order by hours) filter (where what = 'first review') as first_review_hours_p50
  from member
  join fact using (repository_id)
  join span on part between first_part and last_part
  where what in ('pull request merged', 'first review') and is_person
  group by workspace_id, window_days, is_current
),
newcomer as (
  select workspace_id, min(first_at) as first_at
  from member
  join metrics.first_activity using (repository_id)
  join github.contributors on contributors.id = contributor_id
  where kind in ('user', 'mannequin') and not is_bot
    and contributor_id in (
      -- Most people of a long history came long ago, and are not looked at.
      select contributor_id from metrics.first_activity
      where first_at >= %(stop)s - interval '180 days' and first_at < %(stop)s
        and (%(repository_ids)s::bigint[] is null or repository_id = any(%(repository_ids)s))
    )
  group by workspace_id, contributor_id
),
arrived as (
  select workspace_id, window_days, is_current, sum(people) as new_contributors
  from (
    select workspace_id, width_bucket(first_at, starts) as part, count(*) as people
    from newcomer, ends
    where first_at < %(stop)s
    group by workspace_id, part
  ) as of_part
  join span on part between first_part and last_part
  group by workspace_id, window_days, is_current
),
merger as (
  select
    workspace_id, window_days, is_current, sum(merged) as merged,
    row_number() over by_merges as place,
    sum(sum(merged)) over by_merges as merged_so_far
  from member
  join (
    select repository_id, actor_id, part, count(*) as merged
    from fact
    where what = 'pull request merged' and is_person
    group by repository_id, actor_id, part
  ) as of_part using (repository_id)
  join span on part between first_part and last_part
  group by workspace_id, window_days, is_current, actor_id
  window by_merges as (
    partition by workspace_id, window_days, is_current order by sum(merged) desc, actor_id
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
  left join active using (workspace_id, window_days, is_current)
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
