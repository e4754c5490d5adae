-- The inbox: writing events in, handing them to runs, reading what became of them.

-- name: learn_alias
insert into events.aliases as known (id, repository_id, owner, name)
values (
  %(uuid)s,
  (select id from github.repositories where lower(name_with_owner) = %(full)s and deleted_at is null),
  %(owner)s,
  %(name)s
)
on conflict (id) do update set
  repository_id = excluded.repository_id, owner = excluded.owner, name = excluded.name, learned_at = now()
where lower(known.owner || '/' || known.name) <> lower(excluded.owner || '/' || excluded.name);

-- name: follow_aliases
-- Once a repository is captured, its alias goes with it through renames. Rows that another transaction is filling
-- are left to it.
update events.aliases a set repository_id = r.id
from github.repositories r
where a.id in (
    select id from events.aliases where id = any(%(uuids)s) and repository_id is null for update skip locked
  )
  and lower(r.name_with_owner) = lower(a.owner || '/' || a.name)
  and r.deleted_at is null;

-- name: aliases
select a.id, coalesce(r.name_with_owner, a.owner || '/' || a.name) as full_name
from events.aliases a
left join github.repositories r on r.id = a.repository_id and r.deleted_at is null
where a.id = any(%(uuids)s);

-- name: repositories
select id, name_with_owner, lower(name_with_owner) as key, size, is_tracked
from github.repositories
where deleted_at is null and (id = any(%(ids)s::bigint[]) or lower(name_with_owner) = any(%(names)s::text[]));

-- name: remember
-- The first event with each sender's id: the one already here, or this one. Two at once wait for each other here.
insert into events.external_ids as known (external_id, first_id)
select distinct on (external_id) external_id, id
from jsonb_to_recordset(%(rows)s) as given (external_id text, id text, position integer)
order by external_id, position
on conflict (external_id) do update set
  first_id = case when known.seen_at < now() - %(window)s then excluded.first_id else known.first_id end,
  seen_at = case when known.seen_at < now() - %(window)s then now() else known.seen_at end
returning external_id, first_id;

-- name: insert
-- The same event with the same id is a client's retry: its row is returned as it is. Another event with an id that
-- is taken is not returned, and not written.
insert into events.inbox as known (
  id, name, function, data, source, external_id, key, priority, not_before, state, reason, attempts, run_id, finished_at
)
select
  id, name, function, data, source, external_id, key, priority, now() + %(delay)s, state, reason, attempts, run_id,
  case when state in ('skipped', 'quarantined') then now() end
from jsonb_to_recordset(%(rows)s) as given (
  id text, name text, function text, data jsonb, source text, external_id text, key text, priority integer,
  state text, reason text, attempts integer, run_id text
)
order by id
on conflict (id) do update set id = excluded.id where known.name = excluded.name and known.data = excluded.data
returning id;

-- name: reset_failed
with reset as (
  update events.inbox set
    state = 'pending', attempts = 0, reason = null, run_id = null, requested_at = null, finished_at = null,
    not_before = now() + %(delay)s
  where id in (select id from events.inbox where id = any(%(ids)s) and state = 'failed' order by id for update)
  returning id
)
select id, pg_notify('contrib_inbox', '') from reset;

-- name: due
-- What needs a run now: not asked for in the last 20 seconds, and about nothing that a run holds or is asked to take.
-- Captures wait, too, while enough runs capture what is as urgent: more of them would only wait for GitHub, and what
-- waits here goes together.
with taken as materialized (
  select key, function, priority, case state when 'running' then run_id else requested_at::text end as run
  from events.inbox
  where state = 'running' or (state = 'pending' and requested_at >= statement_timestamp() - %(again)s)
),
held as materialized (
  select distinct key, function from taken
),
crowded as materialized (
  select priority
  from (select distinct priority from events.inbox where state = 'pending') as waiting
  where (
    select count(distinct run) from taken
    where taken.priority >= waiting.priority and taken.function = any(%(captures)s)
  ) >= %(enough)s
)
update events.inbox set requested_at = statement_timestamp()
where id in (
  select id from events.inbox waiting
  where state = 'pending'
    and not_before <= statement_timestamp()
    and (requested_at is null or requested_at < statement_timestamp() - %(again)s)
    and not exists (
      select from held
      where held.key = waiting.key
        and (held.key <> '*' or held.function = waiting.function)
        -- A walk over the whole history takes long, and waits only for another one.
        and (held.function = %(history)s) = (waiting.function = %(history)s)
    )
    and not (function = any(%(captures)s) and priority in (select priority from crowded))
  order by priority desc, id
  limit %(limit)s
  for update skip locked
)
returning id, name, function, key, priority, source, data ->> 'reason' as reason;

-- name: seconds_to_next
-- Until the next event is due, or is due again because no run took it; null where none is to come.
select extract(epoch from min(greatest(not_before, requested_at + %(again)s)) - statement_timestamp())::float8 as seconds
from events.inbox
where state = 'pending' and greatest(not_before, requested_at + %(again)s) > statement_timestamp();

-- name: claim
update events.inbox set
  state = 'running', run_id = %(run_id)s, attempts = attempts + 1, requested_at = null, reason = null
where id in (
  select id from events.inbox where id = any(%(ids)s) and state = 'pending' order by id for update skip locked
)
returning id, name, function, key, data, source, attempts, received_at;

-- name: finish
-- Only what the run still holds: what was cancelled meanwhile stays cancelled. Others may wait for its key.
with finished as (
  update events.inbox set state = %(state)s, reason = %(reason)s, finished_at = now()
  where id = any(%(ids)s) and run_id = %(run_id)s and state = 'running'
  returning id
)
select id, pg_notify('contrib_inbox', '') from finished;

-- name: give_back
-- After three retries it has failed; till then the pauses are Inngest's: 15, 30, 60 seconds and up to 30 more.
with given_back as (
  update events.inbox set
    state = case when attempts > %(retries)s then 'failed' else 'pending' end,
    finished_at = case when attempts > %(retries)s then now() end,
    not_before = coalesce(
      %(not_before)s::timestamptz,
      now() + make_interval(secs => 15 * 2 ^ (attempts - 1) + 30 * random())
    ),
    reason = %(reason)s, requested_at = null
  where id = any(%(ids)s) and run_id = %(run_id)s and state = 'running'
  returning id, state
)
select id, state, pg_notify('contrib_inbox', '') from given_back;

-- name: put_back
with put_back as (
  update events.inbox set
    state = 'pending', attempts = attempts - 1, not_before = %(not_before)s, reason = %(reason)s, requested_at = null
  where id = any(%(ids)s) and run_id = %(run_id)s and state = 'running'
  returning id
)
select id, pg_notify('contrib_inbox', '') from put_back;

-- name: histories_to_walk
-- Repositories whose pull requests or discussions were not walked to their end, and for which no event asks that.
select r.name_with_owner
from github.repositories r
where r.id = any(%(ids)s)
  and r.deleted_at is null
  and r.terminal_reason is null
  and (
    not r.history_complete
    or r.has_discussions and not exists (
      select from github.capture_state s
      where s.repository_id = r.id and s.kind = 'discussions_history' and s.cursor is null
    )
  )
  and not exists (
    select from events.inbox i
    where i.key = lower(r.name_with_owner) and i.function = %(history)s and i.state in ('pending', 'running')
  )
order by r.name_with_owner;

-- name: quarantine
update events.inbox set state = 'quarantined', reason = %(reason)s, finished_at = now()
where id = %(id)s and state = 'running';

-- name: running
select run_id, array_agg(id order by id) as ids from events.inbox where state = 'running' group by run_id;

-- name: still_pending
select id from events.inbox where id = any(%(ids)s) and state = 'pending' order by id;

-- name: cancel
-- Null narrows nothing. Cancellations themselves are never cancelled, nor what came after them.
with matching as (
  select id, run_id, state from events.inbox
  where state in ('pending', 'running')
    and function <> 'cancel/function'
    and received_at <= coalesce(%(before)s::timestamptz, now())
    and (%(event_id)s::text is null or id = %(event_id)s or external_id = %(event_id)s)
    and (%(run_id)s::text is null or run_id = %(run_id)s)
    and (%(key)s::text is null or key = %(key)s)
  order by id
  for update
)
update events.inbox set state = 'cancelled', reason = %(reason)s, finished_at = now()
from matching
where events.inbox.id = matching.id
returning events.inbox.id, case when matching.state = 'running' then matching.run_id end as run_id;

-- name: lock_for_replay
select id, name, function, data, source, state from events.inbox where id = any(%(ids)s) order by id for update;

-- name: replay
with replayed as (
  update events.inbox set
    function = %(function)s, data = %(data)s, key = %(key)s, priority = %(priority)s, state = %(state)s,
    reason = %(reason)s, attempts = 0, run_id = null, requested_at = null, not_before = now(),
    finished_at = case when %(state)s <> 'pending' then now() end
  where id = %(id)s
  returning id
)
select id, pg_notify('contrib_inbox', '') from replayed;

-- name: prune
-- What still needs a person's look, failed and quarantined, is kept twelve times as long.
delete from events.inbox
where state in ('done', 'skipped', 'cancelled', 'failed', 'quarantined')
  and finished_at < now() - case when state in ('failed', 'quarantined') then 12 else 1 end * %(age)s::interval;

-- name: prune_external_ids
delete from events.external_ids where seen_at < now() - %(age)s;

-- name: list
select
  id, name, function, data, source, external_id, key, priority, received_at, not_before, requested_at, state, attempts,
  reason, run_id, finished_at
from events.inbox
where (%(state)s::text is null or state = %(state)s)
  and (%(name)s::text is null or name = %(name)s or function = %(name)s)
  and (%(key)s::text is null or key = %(key)s)
order by received_at desc, id desc
limit %(limit)s;

-- name: show
select
  id, name, function, data, source, external_id, key, priority, received_at, not_before, requested_at, state, attempts,
  reason, run_id, finished_at
from events.inbox
where id = %(id)s or external_id = %(id)s
order by received_at
limit 1;

-- name: keys_asked_for
select distinct key
from events.inbox
where function = %(function)s and key = any(%(keys)s)
  and (%(reason)s::text is null or data ->> 'reason' = %(reason)s)
  and (state = 'pending' or received_at > now() - %(within)s);

-- name: counts
select coalesce(function, 'other') as name, state, count(*) as events from events.inbox group by 1, 2 order by 1, 2;

-- name: depth
select
  count(*) filter (where not_before <= now()) as due,
  count(*) filter (where not_before > now()) as later,
  coalesce(extract(epoch from now() - min(not_before) filter (where not_before <= now())), 0)::float8 as oldest_seconds
from events.inbox
where state = 'pending';

-- name: activity
-- What came and what ended after one instant, up to another; and what waits for a person now.
select
  count(*) filter (where received_at > %(after)s and received_at <= %(until)s) as received,
  count(*) filter (where finished_at > %(after)s and finished_at <= %(until)s) as ended,
  count(*) filter (where state = 'failed') as failed,
  count(*) filter (where state = 'quarantined') as quarantined
from events.inbox;

-- name: captures
select kind, case when error is not null then 'failed' when finished_at is null then 'unfinished'
  when is_complete then 'complete' else 'partial' end as result, count(*) as captures
from github.captures group by 1, 2 order by 1, 2;

-- name: has_runs
select to_regclass('dagster.runs') is not null as present;

-- name: runs
select lower(status) as status, count(*) as runs from dagster.runs group by 1 order by 1;
