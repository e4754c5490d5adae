-- Trends of work: what was done, how long it took, and how few did most of it.

-- name: prepare
-- What is the same for all workspaces that have a repository is looked up once. Rows lie in the order of their
-- repositories, so that a workspace reads few pages.
create temporary table trend_durations (
  repository_id bigint, actor_id bigint, part integer, is_merge boolean, hours double precision
) on commit drop

-- name: gather
insert into trend_durations
select repository_id, actor_id, width_bucket(at, %(starts)s), what = 'pull request merged', hours
from metrics.facts
where at >= (%(starts)s)[1] and at < %(stop)s
  and not is_activity and what in ('pull request merged', 'first review') and is_person
  and (%(repository_ids)s::bigint[] is null or repository_id = any(%(repository_ids)s))
order by repository_id

-- name: index
create index on trend_durations (repository_id, is_merge)

-- name: analyze
analyze trend_durations

-- name: numbers
, counted as (
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
  left join timed using (workspace_id, span)
  left join absence using (workspace_id, span)
  cross join lateral (
    values
      ('pull_requests_opened', coalesce(pull_requests_opened, 0)::double precision),
      ('pull_requests_merged', coalesce(pull_requests_merged, 0)),
      ('reviews', coalesce(reviews, 0)),
      ('comments', coalesce(comments, 0)),
      ('merge_hours_p50', merge_hours_p50),
      ('first_review_hours_p50', first_review_hours_p50),
      ('contributor_absence_factor', case when not is_partial then factor end)
  ) as named (metric, value)
)
