-- name: add_credential
insert into github.budgets (credential) values (%(credential)s) on conflict do nothing

-- name: lock
-- The row lock makes reading what is left and reserving from it one step for all processes.
select
  points_limit,
  points_left,
  reset_at,
  paused_until,
  clock_timestamp() as now
from github.budgets
where credential = %(credential)s
for update

-- name: reserved
select coalesce(sum(points), 0)::integer as points, count(*)::integer as requests
from github.budget_reservations
where credential = %(credential)s
  and expires_at > clock_timestamp()
  and github.session_lives(session_pid, session_started_at)

-- name: reserve
insert into github.budget_reservations (credential, points, session_started_at, expires_at)
select %(credential)s, %(points)s, backend_start, clock_timestamp() + make_interval(secs => %(seconds)s)
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
where credential = %(credential)s and (reset_at is null or reset_at <= %(reset_at)s)

-- name: pause
update github.budgets
set paused_until = greatest(paused_until, %(until)s)
where credential = %(credential)s

-- name: state
select b.credential, b.points_limit, b.points_left, b.reset_at, b.paused_until,
  (
    select count(*) from github.budget_reservations r
    where r.credential = b.credential
      and r.expires_at > now()
      and github.session_lives(r.session_pid, r.session_started_at)
  ) as requests_in_flight
from github.budgets b
order by b.credential
