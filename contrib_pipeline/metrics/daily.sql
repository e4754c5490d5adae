-- name: set_planner
-- Compiling the statement below takes longer than running it. What it sorts fits into memory.
select set_config('jit', 'off', true), set_config('work_mem', '64MB', true)

-- name: lock
-- One aggregation of a day at a time; none while days are re-opened (see reopened.sql).
select
  pg_advisory_xact_lock_shared(hashtext('metrics.daily'), 0),
  pg_advisory_xact_lock(hashtext('metrics.daily'), %(day)s::date - date '2000-01-01' + 1)

-- name: delete_workspaces
delete from metrics.workspace_daily
where day = %(day)s and (%(workspace_ids)s::uuid[] is null or workspace_id = any(%(workspace_ids)s))

-- name: repositories_of
select coalesce(array_agg(distinct repository_id), '{}') as repository_ids
from workspaces.repositories
where workspace_id = any(%(workspace_ids)s)

-- name: delete_repositories
delete from metrics.repository_daily
where day = %(day)s and (%(repository_ids)s::bigint[] is null or repository_id = any(%(repository_ids)s))

-- name: write
-- Follows "measure". What holds days of the past back is named: members not verified since, or partial.
, workspaces_written as (
  insert into metrics.workspace_daily (workspace_id, day, {columns}, is_final)
  select workspace_id, %(day)s, {columns}, is_final from measured where workspace_id is not null
  returning is_final
),
repositories_written as (
  insert into metrics.repository_daily (repository_id, day, {columns}, is_final)
  select subject::bigint, %(day)s, {columns}, is_final from measured where workspace_id is null
  returning is_final
)
select
  (select count(*) from workspaces_written) as workspaces,
  (select count(*) from workspaces_written where is_final) as workspaces_final,
  (select count(*) from repositories_written) as repositories,
  (select count(*) from repositories_written where is_final) as repositories_final,
  array(
    select distinct coalesce(name_with_owner, repository_id::text) as name
    from unit
    left join metrics.repository_state using (repository_id)
    where workspace_id is not null and now() >= %(stop)s and (unit.is_partial or not unit.is_current)
    order by name
  ) as behind

-- name: open_days
-- Of workspaces what is missing or not final. Of repositories, in a workspace or in none, only rows that would be final
-- if they were computed now: others can wait, and days of a repository that nobody looks at would be open for ever.
select wanted.at::date as day
from generate_series(%(first)s::date, %(last)s::date, '1 day') as wanted (at)
cross join workspaces.workspaces
left join metrics.workspace_daily
  on workspace_daily.workspace_id = workspaces.id and workspace_daily.day = wanted.at::date
where is_active
  and (%(workspace_ids)s::uuid[] is null or workspaces.id = any(%(workspace_ids)s))
  and is_final is distinct from true
union
select day
from metrics.repository_daily
join metrics.repository_state using (repository_id)
cross join lateral (select (day + 1)::timestamp at time zone 'UTC' as stop) as ending
where %(workspace_ids)s::uuid[] is null and day between %(first)s and %(last)s and not is_final
  and not is_partial and (is_terminal or verified_at > stop) and now() >= stop
order by day

-- name: read
select workspace_daily.*
from metrics.workspace_daily
where workspace_id = %(workspace_id)s and day between %(first)s and %(last)s
order by day

-- name: totals
select
  coalesce(sum(pull_requests_opened), 0)::integer as pull_requests_opened,
  coalesce(sum(pull_requests_merged), 0)::integer as pull_requests_merged,
  coalesce(sum(reviews), 0)::integer as reviews,
  coalesce(sum(comments), 0)::integer as comments,
  coalesce(sum(review_comments), 0)::integer as review_comments
from metrics.repository_daily
where day = %(day)s

-- name: rows
select 'metrics.workspace_daily' as name, count(*) as rows, count(*) filter (where is_final) as final
from metrics.workspace_daily
where day = %(day)s
union all
select 'metrics.repository_daily', count(*), count(*) filter (where is_final)
from metrics.repository_daily
where day = %(day)s
