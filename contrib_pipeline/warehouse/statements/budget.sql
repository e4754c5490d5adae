-- name: add
insert into github.budgets as known (credential, resource, floor_share)
values (%(credential)s, %(resource)s, %(floor_share)s)
on conflict (credential, resource) do update set floor_share = excluded.floor_share
where known.floor_share <> excluded.floor_share

-- name: lock
-- The row locks make reading what is left and reserving from it one step for all processes.
select
  resource,
  points_limit,
  points_left,
  reset_at,
  paused_until,
  clock_timestamp() as now
from github.budgets
where credential = %(credential)s
order by resource
for update

-- name: reserved
-- GitHub counts requests at the same time over all of a credential's resources, points for each.
select
  coalesce(sum(points) filter (where resource = %(resource)s), 0)::integer as points,
  count(*)::integer as requests
from github.budget_reservations
where credential = %(credential)s
  and expires_at > clock_timestamp()
  and github.session_lives(session_pid, session_started_at)

-- name: reserve
insert into github.budget_reservations (credential, resource, points, session_started_at, expires_at)
select
  %(credential)s,
  %(resource)s,
  %(points)s,
  backend_start,
  clock_timestamp() + make_interval(secs => %(seconds)s)
from pg_stat_activity
where pid = pg_backend_pid()
returning id

-- name: release
delete from github.budget_reservations
where id = %(id)s or expires_at < clock_timestamp() or not github.session_lives(session_pid, session_started_at)

-- name: settle
-- Answers may come in another order than GitHub gave them: within one hour the lower count is the later one.
update github.budgets
set
  points_limit = %(limit)s,
  points_left = case when reset_at = %(reset_at)s then least(points_left, %(remaining)s) else %(remaining)s end,
  reset_at = %(reset_at)s
where credential = %(credential)s and resource = %(resource)s and (reset_at is null or reset_at <= %(reset_at)s)

-- name: pause
-- Locked in the order of the others that lock several.
with paused as (
  select credential, resource from github.budgets
  where credential = %(credential)s and (resource = %(resource)s or %(everywhere)s)
  order by resource
  for update
)
update github.budgets b
set paused_until = greatest(b.paused_until, %(until)s)
from paused
where b.credential = paused.credential and b.resource = paused.resource

-- name: state
-- What was left of an hour that is over counts no more: all is there again.
select
  b.credential,
  b.resource,
  b.points_limit,
  case when b.reset_at <= now() then b.points_limit else b.points_left end as points_left,
  case when b.reset_at > now() then b.reset_at end as reset_at,
  case when b.paused_until > now() then b.paused_until end as paused_until,
  b.floor_share,
  (
    select count(*) from github.budget_reservations r
    where r.credential = b.credential
      and r.resource = b.resource
      and r.expires_at > now()
      and github.session_lives(r.session_pid, r.session_started_at)
  ) as requests_in_flight
from github.budgets b
order by b.credential, b.resource
