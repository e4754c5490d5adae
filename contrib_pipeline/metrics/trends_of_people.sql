-- Trends of people: how many persons were active.

-- name: prepare
-- What is the same for all workspaces that have a repository is counted once. Rows lie in the order of their
-- repositories, so that a workspace reads few pages.
create temporary table trend_persons (repository_id bigint, actor_id bigint, parts integer) on commit drop

-- name: gather
-- The parts (see "windows") in which a person was active are bits: people with the same parts are in the same windows.
insert into trend_persons
select repository_id, actor_id, bit_or(1 << width_bucket(at, %(starts)s))
from metrics.facts
where at >= (%(starts)s)[1] and at < %(stop)s and is_activity
  and (%(repository_ids)s::bigint[] is null or repository_id = any(%(repository_ids)s))
group by repository_id, actor_id
having actor_id not in (select id from github.contributors where kind not in ('user', 'mannequin') or is_bot)
order by repository_id

-- name: index
create index on trend_persons (repository_id)

-- name: analyze
analyze trend_persons

-- name: numbers
, active as (
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
number as (
  select workspace_id, window_days, is_current, is_partial, 'active_contributors' as metric,
    coalesce(active_contributors, 0)::double precision as value
  from workspace
  cross join span
  left join active using (workspace_id, span)
)
