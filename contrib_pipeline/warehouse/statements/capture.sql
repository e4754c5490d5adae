-- name: claim_host
insert into github.host (host) values (%(host)s) on conflict do nothing

-- name: host
select host from github.host

-- name: repository_by_name
select * from github.repositories where lower(name_with_owner) = lower(%(name)s) and deleted_at is null

-- name: repository_by_id
select * from github.repositories where id = %(id)s

-- name: seconds_since_verified
select extract(epoch from now() - s.verified_at)::float8 as seconds
from github.capture_state s
join github.repositories r on r.id = s.repository_id
where lower(r.name_with_owner) = lower(%(name)s) and r.deleted_at is null and s.kind = 'pull_requests'

-- name: tracked
select * from github.repositories where is_tracked order by name_with_owner

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

-- name: release_name
-- A living repository took this name: whoever had it was renamed, transferred or deleted, and we have not seen it yet.
update github.repositories
set deleted_at = now(), terminal_reason = 'gone'
where lower(name_with_owner) = lower(%(name)s) and id <> %(id)s and deleted_at is null

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
on conflict (repository_id, kind) do update set cursor = excluded.cursor, page_size = excluded.page_size

-- name: save_watermark
insert into github.capture_state as s (repository_id, kind, watermark, verified_at, page_size)
values (%(repository_id)s, %(kind)s, %(watermark)s, %(verified_at)s, %(page_size)s)
on conflict (repository_id, kind) do update set
  watermark = greatest(s.watermark, excluded.watermark),
  verified_at = greatest(s.verified_at, excluded.verified_at),
  page_size = excluded.page_size

-- name: open_entry
insert into github.captures (repository_id, kind, started_at, run_id)
values (%(repository_id)s, %(kind)s, clock_timestamp(), %(run_id)s)
returning id

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

-- name: delete_vanished_reviews
-- Reviews of pull requests that were read whole, and that the reading no longer has.
update github.reviews
set deleted_at = %(read_at)s
where pull_request_id = any(%(parents)s)
  and deleted_at is null
  and id <> all(%(found)s)
  and submitted_at < %(read_at)s

-- name: delete_vanished_comments
update github.comments
set deleted_at = %(read_at)s
where pull_request_id = any(%(parents)s)
  and kind = %(kind)s
  and deleted_at is null
  and id <> all(%(found)s)
  and created_at < %(read_at)s

-- name: delete_vanished_discussion_comments
update github.discussion_comments
set deleted_at = %(read_at)s
where discussion_id = any(%(parents)s)
  and deleted_at is null
  and id <> all(%(found)s)
  and created_at < %(read_at)s

-- name: delete_pull_request
update github.pull_requests
set deleted_at = %(read_at)s
where repository_id = %(repository_id)s and number = %(number)s and deleted_at is null

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
