-- name: set_planner
select set_config('jit', 'off', true), set_config('work_mem', '128MB', true)

-- name: lock
select pg_advisory_xact_lock(hashtext('metrics.workspace_contributors'))

-- name: delete
delete from metrics.workspace_contributors
where %(workspace_ids)s::uuid[] is null or workspace_id = any(%(workspace_ids)s)

-- name: write
with ending as materialized (
  select workspaces.id as workspace_id, day, (day + 1)::timestamp at time zone 'UTC' as stop
  from workspaces.workspaces
  cross join lateral (
    select %(today)s::date as day
    union
    select max(day) from metrics.workspace_daily where workspace_id = workspaces.id and is_final
  ) as kept
  where is_active and day is not null and (%(workspace_ids)s::uuid[] is null or workspaces.id = any(%(workspace_ids)s))
),
-- Summed up per repository before they are multiplied by the workspaces that share it.
deed as materialized (
  select
    day, repository_id, actor_id, is_bot,
    count(*) filter (where what = 'pull request opened') as pull_requests,
    count(*) filter (where what = 'review') as reviews,
    count(*) filter (where what in ('comment', 'review comment')) as comments,
    count(*) filter (where what = 'discussion opened') as discussions
  from (select distinct day, stop from ending) as span
  join (
    select * from metrics.facts
    where what in ('pull request opened', 'review', 'comment', 'review comment', 'discussion opened')
      and at >= (select min(stop) from ending) - interval '30 days' and at < (select max(stop) from ending)
      and (%(repository_ids)s::bigint[] is null or repository_id = any(%(repository_ids)s))
  ) as fact on at >= stop - interval '30 days' and at < stop
  where actor_id is not null
  group by day, repository_id, actor_id, is_bot
),
summed as (
  select
    workspace_id, day, actor_id, is_bot,
    sum(pull_requests) as pull_requests, sum(reviews) as reviews, sum(comments) as comments,
    sum(discussions) as discussions, sum(pull_requests + reviews + comments + discussions) as deeds
  from ending
  join workspaces.repositories using (workspace_id)
  join deed using (repository_id, day)
  group by workspace_id, day, actor_id, is_bot
),
ranked as (
  select *, row_number() over (partition by workspace_id, day order by deeds desc, actor_id) as rank from summed
)
insert into metrics.workspace_contributors
  (workspace_id, day, window_days, contributor_id, pull_requests, reviews, comments, discussions, rank, is_bot)
select workspace_id, day, 30, actor_id, pull_requests, reviews, comments, discussions, rank, is_bot
from ranked
where rank <= 100
