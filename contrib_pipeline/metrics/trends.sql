-- name: set_planner
-- Half a year of facts of all workspaces is grouped and sorted: in memory, as far as it fits.
select set_config('jit', 'off', true), set_config('work_mem', '128MB', true)

-- name: lock
select pg_advisory_xact_lock(hashtext('metrics.workspace_trends'), %(day)s::date - date '2000-01-01')

-- name: delete
delete from metrics.workspace_trends
where day = %(day)s and (%(workspace_ids)s::uuid[] is null or workspace_id = any(%(workspace_ids)s))

-- name: prepare
-- What is counted once per repository before it is counted for each workspace that has the repository. Rows lie in the
-- order of their repositories, so that a workspace reads few pages.
create temporary table trend_persons (repository_id bigint, actor_id bigint, parts integer) on commit drop;
create temporary table trend_durations (
  repository_id bigint, actor_id bigint, part integer, is_merge boolean, hours double precision
) on commit drop

-- name: gather_persons
-- The parts (see "write") in which a person was active are bits: people with the same parts are in the same windows.
insert into trend_persons
select repository_id, actor_id, bit_or(1 << width_bucket(at, %(starts)s))
from metrics.facts
where at >= (%(starts)s)[1] and at < %(stop)s and is_activity
  and (%(repository_ids)s::bigint[] is null or repository_id = any(%(repository_ids)s))
group by repository_id, actor_id
having actor_id not in (select id from github.contributors where kind not in ('user', 'mannequin') or is_bot)
order by repository_id

-- name: gather_durations
insert into trend_durations
select repository_id, actor_id, width_bucket(at, %(starts)s), what = 'pull request merged', hours
from metrics.facts
where at >= (%(starts)s)[1] and at < %(stop)s and what in ('pull request merged', 'first review') and is_person
  and (%(repository_ids)s::bigint[] is null or repository_id = any(%(repository_ids)s))
order by repository_id

-- name: index
create index on trend_persons (repository_id);
create index on trend_durations (repository_id, is_merge);
analyze trend_persons, trend_durations

-- name: write
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
),
counted as (
  select
    workspace_id, span,
    sum(opened) as pull_requests_opened,
    sum(merged) as pull_requests_merged,
    sum(reviews) as reviews,
    sum(comments) as comments
  from (
    select
      workspace_id, part,
      sum(opened)::integer as opened, sum(merged)::integer as merged,
      sum(reviews)::integer as reviews, sum(comments)::integer as comments
    from workspaces.repositories
    join (
      select
        repository_id, width_bucket(at, %(starts)s) as part,
        (count(*) filter (where what = 'pull request opened'))::integer as opened,
        (count(*) filter (where what = 'pull request merged'))::integer as merged,
        (count(*) filter (where what = 'review'))::integer as reviews,
        (count(*) filter (where what = 'comment'))::integer as comments
      from metrics.facts
      where at >= (%(starts)s)[1] and at < %(stop)s
        and what in ('pull request opened', 'pull request merged', 'review', 'comment')
        and (%(repository_ids)s::bigint[] is null or repository_id = any(%(repository_ids)s))
      group by repository_id, part
    ) as of_repository using (repository_id)
    group by workspace_id, part
  ) as of_part
  join span_part using (part)
  group by workspace_id, span
),
active as (
  select workspace_id, span, sum(people) as active_contributors
  from workspace
  cross join lateral (
    select parts, count(*)::integer as people
    from (
      select bit_or(parts) as parts
      from workspaces.repositories
      join trend_persons using (repository_id)
      where repositories.workspace_id = workspace.workspace_id
      group by actor_id
    ) as person
    group by parts
  ) as present
  join span on present.parts & span.parts <> 0
  group by workspace_id, span
),
timed as (
  select workspace_id, of_span.*
  from workspace
  cross join lateral (
    select
      span,
      percentile_cont(0.5) within group (order by hours) filter (where is_merge) as merge_hours_p50,
      percentile_cont(0.5) within group (order by hours) filter (where not is_merge) as first_review_hours_p50
    from workspaces.repositories
    join trend_durations using (repository_id)
    join span_part using (part)
    where repositories.workspace_id = workspace.workspace_id
    group by span
  ) as of_span
),
-- Who came within the half year, without those who had come before: each workspace's are few, and are looked up among
-- the many (offset 0: not the other way round).
arrived as (
  select workspace_id, span, sum(people) as new_contributors
  from workspace
  cross join lateral (
    select width_bucket(first_at, %(starts)s) as part, count(*)::integer as people
    from (
      select contributor_id, min(first_at) as first_at
      from workspaces.repositories
      join metrics.first_activity using (repository_id)
      where repositories.workspace_id = workspace.workspace_id and first_at >= (%(starts)s)[1] and first_at < %(stop)s
      group by contributor_id
      having contributor_id not in (
        select id from github.contributors where kind not in ('user', 'mannequin') or is_bot
      )
      offset 0
    ) as newcomer
    where not exists (
      select from (
        select contributor_id
        from workspaces.repositories
        join metrics.first_activity using (repository_id)
        where repositories.workspace_id = workspace.workspace_id and first_at < (%(starts)s)[1]
        offset 0
      ) as known
      where known.contributor_id = newcomer.contributor_id
    )
    group by part
  ) as of_part
  join span_part using (part)
  group by workspace_id, span
),
-- Those who merged equally much are counted together; of the last of them who are needed for a half, so many as are.
absence as (
  select workspace_id, span, so_far - (2 * merged_so_far - merged_by_all) / (2 * merged) as factor
  from workspace
  cross join lateral (
    select
      span, merged, merged * people as merged_by_these,
      sum(people) over by_merges as so_far,
      sum(merged * people) over by_merges as merged_so_far,
      sum(merged * people) over (partition by span) as merged_by_all
    from (
      select span, merged, count(*)::integer as people
      from (
        select span, count(*)::integer as merged
        from workspaces.repositories
        join trend_durations using (repository_id)
        join span_part using (part)
        where repositories.workspace_id = workspace.workspace_id and is_merge
        group by span, actor_id
      ) as author
      group by span, merged
    ) as equal
    window by_merges as (partition by span order by merged desc)
  ) as ranked
  where 2 * merged_so_far >= merged_by_all and 2 * (merged_so_far - merged_by_these) < merged_by_all
),
number as (
  select workspace_id, window_days, is_current, is_partial, metric, value
  from workspace
  cross join span
  left join counted using (workspace_id, span)
  left join active using (workspace_id, span)
  left join timed using (workspace_id, span)
  left join arrived using (workspace_id, span)
  left join absence using (workspace_id, span)
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
