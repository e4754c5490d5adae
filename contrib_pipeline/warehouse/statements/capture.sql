-- name: claim_host
insert into github.host (host) values (%(host)s) on conflict do nothing

-- name: host
select host from github.host

-- name: repository_by_name
select * from github.repositories where lower(name_with_owner) = lower(%(name)s) and deleted_at is null

-- name: former_repository_by_name
select *
from github.repositories
where lower(name_with_owner) = lower(%(name)s) and deleted_at is not null
order by deleted_at desc
limit 1

-- name: repository_by_id
select * from github.repositories where id = %(id)s

-- name: seconds_since_verified
select extract(epoch from now() - s.verified_at)::float8 as seconds
from github.capture_state s
join github.repositories r on r.id = s.repository_id
where lower(r.name_with_owner) = lower(%(name)s) and r.deleted_at is null and s.kind = 'pull_requests'

-- name: tracked
select * from github.repositories where is_tracked order by name_with_owner

-- name: names
select name_with_owner from github.repositories

-- name: to_probe
-- Those whose time has come, by priority; the ones that GitHub does not show now and then, since they may come back.
select *
from github.repositories
where is_tracked
  and (
    probed_at is null
    or probed_at < now() - case
      when terminal_reason is not null then %(low)s
      when priority = 'high' then %(high)s
      when priority = 'medium' then %(medium)s
      else %(low)s
    end::interval
  )
order by probed_at nulls first, id

-- name: note_probe
update github.repositories
set probed_at = %(read_at)s, active_at = coalesce(%(active_at)s, active_at)
where id = %(id)s

-- name: recently_active
-- Repositories in which something was updated lately: their pull requests and discussions are read again.
select *
from github.repositories r
where is_tracked
  and terminal_reason is null
  and (
    exists (select from github.pull_requests p where p.repository_id = r.id and p.updated_at > now() - %(within)s)
    or exists (select from github.discussions d where d.repository_id = r.id and d.updated_at > now() - %(within)s)
  )
order by name_with_owner

-- name: members
select * from github.repositories
where is_tracked and deleted_at is null and terminal_reason is null
  and id in (
    select repository_id from workspaces.repositories
    join workspaces.workspaces on workspaces.id = workspace_id
    where is_active
  )
order by name_with_owner

-- name: track
update github.repositories set is_tracked = %(is_tracked)s where id = %(id)s and is_tracked <> %(is_tracked)s

-- name: mark_terminal
update github.repositories
set
  terminal_reason = %(reason)s,
  deleted_at = case when %(reason)s = 'gone' then coalesce(deleted_at, now()) else deleted_at end
where id = %(id)s

-- name: take_name
-- Two that record the same name, for one repository or for two, do so one after the other.
select pg_advisory_xact_lock(hashtextextended('github.repositories ' || lower(%(name)s), 0))

-- name: release_name
-- A living repository took this name: whoever had it was renamed, transferred or deleted, and we have not seen it yet.
update github.repositories
set deleted_at = now(), terminal_reason = 'gone'
where lower(name_with_owner) = lower(%(name)s) and id <> %(id)s and deleted_at is null
returning *

-- name: classify
-- small: under 100 pull requests, medium: 100 to 500, large: more.
update github.repositories
set size = case
  when pull_requests_total < 100 then 'small'
  when pull_requests_total <= 500 then 'medium'
  else 'large'
end
where id = any(%(ids)s)

-- name: complete_history
update github.repositories set history_complete = true where id = %(id)s

-- name: state
select * from github.capture_state where repository_id = %(repository_id)s and kind = %(kind)s

-- name: save_cursor
insert into github.capture_state as s (repository_id, kind, cursor, page_size)
values (%(repository_id)s, %(kind)s, %(cursor)s, %(page_size)s)
on conflict (repository_id, kind) do update set
  cursor = excluded.cursor,
  page_size = coalesce(excluded.page_size, s.page_size)

-- name: save_watermark
insert into github.capture_state as s (repository_id, kind, watermark, verified_at, page_size)
values (%(repository_id)s, %(kind)s, %(watermark)s, %(verified_at)s, %(page_size)s)
on conflict (repository_id, kind) do update set
  watermark = greatest(s.watermark, excluded.watermark),
  verified_at = greatest(s.verified_at, excluded.verified_at),
  page_size = coalesce(excluded.page_size, s.page_size)

-- name: open_entry
insert into github.captures (repository_id, kind, started_at, run_id)
values (%(repository_id)s, %(kind)s, clock_timestamp(), %(run_id)s)
returning id, started_at

-- name: add_to_entry
update github.captures
set
  requests = requests + %(requests)s,
  points = points + %(points)s,
  rows_captured = rows_captured + %(captured)s,
  rows_changed = rows_changed + %(changed)s
where id = %(id)s

-- name: close_entry
update github.captures
set
  finished_at = clock_timestamp(),
  github_total = %(github_total)s,
  stored_total = %(stored_total)s,
  unlisted = %(unlisted)s,
  is_complete = %(is_complete)s,
  error = %(error)s
where id = %(id)s

-- name: take_turns
-- The lock that the triggers of 0004_metrics.sql take when a fact is written: taken before any row is locked, two
-- writers on one repository wait for each other in one order.
select pg_advisory_xact_lock(hashtextextended('metrics.first_activity', %(repository_id)s))

-- name: stored_pull_requests
select count(*)::integer as total from github.pull_requests where repository_id = %(repository_id)s and deleted_at is null

-- name: stored_discussions
select count(*)::integer as total from github.discussions where repository_id = %(repository_id)s and deleted_at is null

-- name: stored_totals
-- With those that GitHub counts, but lists nowhere. Null where the walk over everything has not reached its end.
select
  case when history_complete then github.unlisted(r.id, false) + (
    select count(*) from github.pull_requests p where p.repository_id = r.id and p.deleted_at is null
  ) end as pull_requests,
  case when exists (
    select from github.capture_state s
    where s.repository_id = r.id and s.kind = 'discussions_history' and s.cursor is null
  ) then github.unlisted(r.id, true) + (
    select count(*) from github.discussions d where d.repository_id = r.id and d.deleted_at is null
  ) end as discussions
from github.repositories r
where id = %(repository_id)s

-- name: overtaken_pull_requests
select s.id
from github.pull_requests s
join unnest(%(ids)s::bigint[], %(updates)s::timestamptz[]) as given (id, updated_at) using (id)
where s.read_at > %(read_at)s and s.updated_at >= given.updated_at

-- name: overtaken_discussions
select s.id
from github.discussions s
join unnest(%(ids)s::bigint[], %(updates)s::timestamptz[]) as given (id, updated_at) using (id)
where s.read_at > %(read_at)s and s.updated_at >= given.updated_at

-- name: note_reading_pull_requests
update github.pull_requests set read_at = %(read_at)s where id = any(%(ids)s) and read_at < %(read_at)s

-- name: note_reading_discussions
update github.discussions set read_at = %(read_at)s where id = any(%(ids)s) and read_at < %(read_at)s

-- name: delete_vanished_reviews
-- Reviews of pull requests that were read whole, and that the reading no longer has.
update github.reviews
set deleted_at = %(read_at)s
where pull_request_id = any(%(parents)s)
  and deleted_at is null
  and id <> all(%(found)s)
  and submitted_at < %(read_at)s
returning pull_request_id as parent_id

-- name: delete_vanished_comments
update github.comments
set deleted_at = %(read_at)s
where pull_request_id = any(%(parents)s)
  and kind = %(kind)s
  and deleted_at is null
  and id <> all(%(found)s)
  and created_at < %(read_at)s
returning pull_request_id as parent_id

-- name: delete_vanished_discussion_comments
update github.discussion_comments
set deleted_at = %(read_at)s
where discussion_id = any(%(parents)s)
  and deleted_at is null
  and id <> all(%(found)s)
  and created_at < %(read_at)s
returning discussion_id as parent_id

-- name: delete_pull_requests
-- With all that hangs on them: it went with them.
with gone as (
  update github.pull_requests
  set deleted_at = %(read_at)s, read_at = %(read_at)s
  where repository_id = %(repository_id)s
    and number = any(%(numbers)s)
    and deleted_at is null
    and created_at < %(read_at)s
    and read_at <= %(read_at)s
  returning id
),
gone_reviews as (
  update github.reviews
  set deleted_at = %(read_at)s
  where pull_request_id in (select id from gone) and deleted_at is null
),
gone_comments as (
  update github.comments
  set deleted_at = %(read_at)s
  where pull_request_id in (select id from gone) and deleted_at is null
)
select id from gone

-- name: delete_discussions
with gone as (
  update github.discussions
  set deleted_at = %(read_at)s, read_at = %(read_at)s
  where repository_id = %(repository_id)s
    and number = any(%(numbers)s)
    and deleted_at is null
    and created_at < %(read_at)s
    and read_at <= %(read_at)s
  returning id
),
gone_comments as (
  update github.discussion_comments
  set deleted_at = %(read_at)s
  where discussion_id in (select id from gone) and deleted_at is null
)
select id from gone

-- name: set_priorities
-- One statement over what is stored: nothing is read from GitHub here, so no failed reading can lower a priority.
with standing as (
  select
    r.id,
    exists (
      select from workspaces.repositories m
      join workspaces.workspaces w on w.id = m.workspace_id
      where m.repository_id = r.id and w.is_active
    ) as is_member,
    coalesce(
      greatest(r.pushed_at, (select max(p.updated_at) from github.pull_requests p where p.repository_id = r.id))
        < now() - interval '90 days',
      false
    ) as is_quiet
  from github.repositories r
)
update github.repositories r
set
  priority = case when s.is_member then 'high' when s.is_quiet then 'low' else 'medium' end,
  is_tracked = r.is_tracked or s.is_member
from standing s
where s.id = r.id
  and (r.priority, r.is_tracked) is distinct from
    (case when s.is_member then 'high' when s.is_quiet then 'low' else 'medium' end, r.is_tracked or s.is_member)
