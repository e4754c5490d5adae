-- The inbox: every event is a row here before its sender gets an answer.
-- It is read by state, never by "ids after the last one": an event that commits late is never skipped.

create schema events;
comment on schema events is 'Events from applications, webhooks, schedules and people.';

create table events.inbox (
  id text primary key,
  name text not null,
  function text,
  data jsonb not null,
  source text not null check (source in ('inngest', 'webhook', 'cli', 'schedule', 'ui')),
  external_id text,
  key text,
  priority integer not null default 0,
  received_at timestamptz not null default now(),
  not_before timestamptz not null default now(),
  requested_at timestamptz,
  state text not null default 'pending'
    check (state in ('pending', 'running', 'done', 'skipped', 'failed', 'quarantined', 'cancelled')),
  attempts integer not null default 0,
  reason text,
  run_id text,
  finished_at timestamptz
);
comment on table events.inbox is 'Every event received, and what became of it.';
comment on column events.inbox.id is 'ULID, as returned to the sender.';
comment on column events.inbox.name is 'The event''s name as sent; github/EVENT.ACTION for a webhook.';
comment on column events.inbox.function is 'The catalogue''s name for what is to be done; null where the name is none of the catalogue''s.';
comment on column events.inbox.data is 'The payload as sent, without keys named like secrets; of a webhook, what it is about.';
comment on column events.inbox.source is 'inngest (HTTP), webhook, cli, schedule or ui.';
comment on column events.inbox.external_id is 'The sender''s id: repeated within 24 hours, the event is skipped. For webhooks the delivery id.';
comment on column events.inbox.key is 'What it is about: a repository (owner/name in lower case), a workspace, * for all of them; one run at a time holds a key. Null: holds nothing.';
comment on column events.inbox.priority is 'Higher goes first.';
comment on column events.inbox.received_at is 'When the row was written.';
comment on column events.inbox.not_before is 'Not to be started earlier (settling delay, retry, rate limit).';
comment on column events.inbox.requested_at is 'When the sensor last asked for a run; asked for again if no run takes it.';
comment on column events.inbox.state is 'pending, running, then done, skipped, failed or cancelled; quarantined: not understood.';
comment on column events.inbox.attempts is 'Runs that took it, those that GitHub''s budget deferred not counted.';
comment on column events.inbox.reason is 'Why it was skipped, failed, quarantined or cancelled, or why it waits.';
comment on column events.inbox.run_id is 'The Dagster run that took it last.';
comment on column events.inbox.finished_at is 'When it reached its final state.';
create index inbox_waiting on events.inbox (priority desc, id) where state = 'pending';
create index inbox_open on events.inbox (key) where state in ('pending', 'running');
create index inbox_running on events.inbox (run_id) where state = 'running';
create index inbox_received on events.inbox (received_at);
create index inbox_counted on events.inbox (function, state);
create index inbox_finished on events.inbox (finished_at);

create table events.external_ids (
  external_id text primary key,
  first_id text not null,
  seen_at timestamptz not null default now()
);
comment on table events.external_ids is 'Which event was the first with a sender''s id: one row a living id, so that two at once can''t both be first.';
comment on column events.external_ids.external_id is 'event: or webhook:, then the sender''s id (its SHA-256 where it is long).';
comment on column events.external_ids.first_id is 'The event: events.inbox.id.';
comment on column events.external_ids.seen_at is 'When the first one came.';

create table events.aliases (
  id uuid primary key,
  repository_id bigint,
  owner text not null,
  name text not null,
  learned_at timestamptz not null default now()
);
comment on table events.aliases is 'Which repository an application means by its own uuid.';
comment on column events.aliases.id is 'The application''s uuid.';
comment on column events.aliases.repository_id is 'github.repositories.id, once we have captured it.';
comment on column events.aliases.owner is 'Owner of the repository.';
comment on column events.aliases.name is 'Name of the repository.';
comment on column events.aliases.learned_at is 'When we were told.';

create function events.notify_inbox() returns trigger language plpgsql as $$
begin
  notify contrib_inbox;
  return null;
end
$$;
comment on function events.notify_inbox() is 'Wakes whoever waits for events.';
create trigger notify_inbox after insert on events.inbox for each statement execute function events.notify_inbox();
