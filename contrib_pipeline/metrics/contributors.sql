-- name: set_planner
select set_config('jit', 'off', true), set_config('work_mem', '128MB', true)

-- name: lock
select pg_advisory_xact_lock(hashtext('metrics.workspace_contributors'))

-- name: days
-- The days to be kept: today, and each workspace's newest final one.
select distinct day
from workspaces.workspaces
cross join lateral (
  select %(today)s::date as day
  union
  select max(day) from metrics.workspace_daily where workspace_id = workspaces.id and is_final
) as kept
where is_active and day is not null and (%(workspace_ids)s::uuid[] is null or workspaces.id = any(%(workspace_ids)s))
order by day

-- name: prepare
-- Summed up per repository before they are multiplied by the workspaces that share it; in the order of their
-- repositories, so that a workspace reads few pages.
create temporary table contributor_deeds (
  repository_id bigint, day date, actor_id bigint,
  pull_requests integer, reviews integer, comments integer, discussions integer, deeds integer
) on commit drop

-- name: gather
insert into contributor_deeds
select
  repository_id, day, actor_id,
  count(*) filter (where what = 'pull request opened'),
  count(*) filter (where what = 'review'),
  count(*) filter (where what in ('comment', 'review comment')),
  count(*) filter (where what = 'discussion opened'),
  count(*)
from metrics.facts
join unnest(%(stops)s::timestamptz[], %(days)s::date[]) as ending (stop, day)
  on at >= stop - interval '30 days' and at < stop
where at >= (%(stops)s)[1] - interval '30 days' and at < (%(stops)s)[cardinality(%(stops)s)]
  and what in ('pull request opened', 'review', 'comment', 'review comment', 'discussion opened')
  and (%(repository_ids)s::bigint[] is null or repository_id = any(%(repository_ids)s))
  and actor_id is not null
group by day, repository_id, actor_id
order by repository_id

-- name: index
create index on contributor_deeds (repository_id, day);
analyze contributor_deeds

-- name: delete
delete from metrics.workspace_contributors
where %(workspace_ids)s::uuid[] is null or workspace_id = any(%(workspace_ids)s)

-- name: write
insert into metrics.workspace_contributors
  (workspace_id, day, window_days, contributor_id, pull_requests, reviews, comments, discussions, rank, is_bot)
select
  workspaces.id, day, 30, contributor_id, pull_requests, reviews, comments, discussions, rank, coalesce(is_bot, false)
from workspaces.workspaces
cross join lateral (
  select %(today)s::date as day
  union
  select max(day) from metrics.workspace_daily where workspace_id = workspaces.id and is_final
) as kept
cross join lateral (
  select *, row_number() over (order by deeds desc, contributor_id) as rank
  from (
    select
      actor_id as contributor_id, sum(pull_requests) as pull_requests, sum(reviews) as reviews,
      sum(comments) as comments, sum(discussions) as discussions, sum(deeds) as deeds
    from workspaces.repositories
    join contributor_deeds using (repository_id)
    where repositories.workspace_id = workspaces.id and contributor_deeds.day = kept.day
    group by actor_id
    order by deeds desc, actor_id
    limit 100
  ) as summed
) as ranked
left join github.contributors on contributors.id = contributor_id
where is_active and (%(workspace_ids)s::uuid[] is null or workspaces.id = any(%(workspace_ids)s))
