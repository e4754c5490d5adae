-- Metrics: the numbers of a day, and what is kept so that they are right and quick: who was active when first, and
-- which days a late fact touched. The last two are kept by triggers, in the transaction that changes a fact: only
-- there are the old and the new instant both known, whoever writes.

create schema metrics;
comment on schema metrics is 'Numbers of workspaces and repositories, computed from the facts in schema github.';

create table metrics.workspace_daily (
  workspace_id uuid not null,
  day date not null,
  pull_requests_opened integer not null,
  pull_requests_opened_by_bots integer not null,
  pull_requests_merged integer not null,
  pull_requests_closed integer not null,
  pull_requests_open integer,
  pull_requests_total integer,
  reviews integer not null,
  reviews_by_bots integer not null,
  reviews_approved integer not null,
  reviews_changes_requested integer not null,
  reviews_commented integer not null,
  reviews_dismissed integer not null,
  pull_requests_reviewed integer not null,
  reviewers integer not null,
  comments integer not null,
  review_comments integer not null,
  comments_by_bots integer not null,
  discussions_opened integer not null,
  discussions_answered integer not null,
  discussion_comments integer not null,
  active_contributors integer not null,
  new_contributors integer,
  first_review_hours_p50 double precision,
  first_review_hours_p90 double precision,
  merge_hours_p50 double precision,
  merge_hours_p90 double precision,
  lines_merged bigint,
  is_final boolean not null,
  computed_at timestamptz not null default now(),
  primary key (workspace_id, day)
);
create index workspace_daily_day on metrics.workspace_daily (day);
comment on table metrics.workspace_daily is 'The numbers of a workspace on a day (UTC), over the repositories it has now; a row for every active workspace.';
comment on column metrics.workspace_daily.workspace_id is 'The workspace: workspaces.workspaces.id.';
comment on column metrics.workspace_daily.day is 'The day, from 00:00 to 24:00 UTC.';
comment on column metrics.workspace_daily.pull_requests_opened is 'Pull requests opened.';
comment on column metrics.workspace_daily.pull_requests_opened_by_bots is 'Pull requests opened by bots.';
comment on column metrics.workspace_daily.pull_requests_merged is 'Pull requests merged.';
comment on column metrics.workspace_daily.pull_requests_closed is 'Pull requests closed without a merge.';
comment on column metrics.workspace_daily.pull_requests_open is 'Pull requests open at the day''s end. Null: the history of a repository is not complete yet.';
comment on column metrics.workspace_daily.pull_requests_total is 'Pull requests opened up to the day''s end. Null: the history of a repository is not complete yet.';
comment on column metrics.workspace_daily.reviews is 'Reviews submitted.';
comment on column metrics.workspace_daily.reviews_by_bots is 'Reviews submitted by bots.';
comment on column metrics.workspace_daily.reviews_approved is 'Reviews submitted that approve, as they stand now.';
comment on column metrics.workspace_daily.reviews_changes_requested is 'Reviews submitted that request changes, as they stand now.';
comment on column metrics.workspace_daily.reviews_commented is 'Reviews submitted that only comment.';
comment on column metrics.workspace_daily.reviews_dismissed is 'Reviews submitted that have been dismissed since.';
comment on column metrics.workspace_daily.pull_requests_reviewed is 'Distinct pull requests reviewed by a person other than the author.';
comment on column metrics.workspace_daily.reviewers is 'Distinct persons who reviewed somebody else''s pull request.';
comment on column metrics.workspace_daily.comments is 'Comments written in the conversation of pull requests.';
comment on column metrics.workspace_daily.review_comments is 'Comments written on lines or files of pull requests.';
comment on column metrics.workspace_daily.comments_by_bots is 'Comments of both kinds written by bots.';
comment on column metrics.workspace_daily.discussions_opened is 'Discussions opened.';
comment on column metrics.workspace_daily.discussions_answered is 'Discussions whose answer was chosen.';
comment on column metrics.workspace_daily.discussion_comments is 'Comments and replies written in discussions.';
comment on column metrics.workspace_daily.active_contributors is 'Distinct persons who opened a pull request, submitted a review, wrote a comment on a pull request, opened a discussion or commented in one.';
comment on column metrics.workspace_daily.new_contributors is 'Active contributors who had never been active before. Null: the history of a repository is not complete yet.';
comment on column metrics.workspace_daily.first_review_hours_p50 is 'Median hours to the first review by a person other than the author, over persons'' pull requests that got it: from ready for review if that came before the review, else from opening. Null: no such pull request.';
comment on column metrics.workspace_daily.first_review_hours_p90 is 'The same hours to the first review: nine in ten pull requests took at most as long. Null: no such pull request.';
comment on column metrics.workspace_daily.merge_hours_p50 is 'Median hours from opening to merge, over persons'' pull requests that were merged. Null: no such pull request.';
comment on column metrics.workspace_daily.merge_hours_p90 is 'The same hours to merge: nine in ten pull requests took at most as long. Null: no such pull request.';
comment on column metrics.workspace_daily.lines_merged is 'Lines added and deleted by the pull requests that were merged. Null: the lines of one of them are not known.';
comment on column metrics.workspace_daily.is_final is 'The day is over, every repository was verified after its end or can no longer be, and none is partial.';
comment on column metrics.workspace_daily.computed_at is 'When the row was computed.';

create table metrics.repository_daily (
  repository_id bigint not null,
  like metrics.workspace_daily including comments including defaults,
  primary key (repository_id, day)
);
alter table metrics.repository_daily drop column workspace_id;
create index repository_daily_day on metrics.repository_daily (day);
create index repository_daily_open on metrics.repository_daily (day) where not is_final;
comment on table metrics.repository_daily is 'The numbers of a repository on a day (UTC): the columns of metrics.workspace_daily.';
comment on column metrics.repository_daily.repository_id is 'The repository: github.repositories.id.';

-- What happened, one row per fact that a number counts; every number of a span of time is a count over these rows.
-- The legs have equal types, so that a condition on "at" or "repository_id" reaches each leg's own index;
-- what is activity is a constant of a leg, so that a condition on "is_activity" leaves the other legs unread.
create view metrics.facts as
  select
    what, at, fact.repository_id, fact.id, pull_request_id, reviewed_id, state, hours, lines, actor_id,
    coalesce(is_bot, false) as is_bot,
    coalesce(contributors.kind in ('user', 'mannequin') and not is_bot, false) as is_person,
    is_activity
  from (
    select
      'pull request opened'::text as what, created_at as at, repository_id, id, id as pull_request_id,
      null::bigint as reviewed_id, null::text as state, null::double precision as hours, null::bigint as lines,
      author_id as actor_id, true as is_activity
    from github.pull_requests where deleted_at is null
    union all
    select
      'pull request merged'::text, merged_at, repository_id, id, id, null::bigint, null::text,
      (extract(epoch from merged_at - created_at) / 3600)::double precision, (additions + deletions)::bigint, author_id,
      false
    from github.pull_requests where merged_at is not null and deleted_at is null
    union all
    select
      'pull request closed'::text, closed_at, repository_id, id, id, null::bigint, null::text,
      null::double precision, null::bigint, author_id, false
    from github.pull_requests where closed_at is not null and merged_at is null and deleted_at is null
    union all
    select
      'first review'::text, first_review_at, repository_id, id, id, null::bigint, null::text,
      (
        extract(epoch from first_review_at - case when ready_at < first_review_at then ready_at else created_at end) / 3600
      )::double precision,
      null::bigint, author_id, false
    from github.pull_requests where first_review_at is not null and deleted_at is null
    union all
    select
      'review'::text, submitted_at, reviews.repository_id, reviews.id, pull_request_id, pull_requests.id, reviews.state,
      null::double precision, null::bigint, reviews.author_id, true
    from github.reviews
    left join github.pull_requests
      on pull_requests.id = pull_request_id and pull_requests.deleted_at is null
      and pull_requests.author_id is distinct from reviews.author_id
    where reviews.deleted_at is null
    union all
    select
      case kind when 'issue' then 'comment'::text else 'review comment'::text end, created_at, repository_id, id,
      pull_request_id, null::bigint, null::text, null::double precision, null::bigint, author_id, true
    from github.comments where deleted_at is null
    union all
    select
      'discussion opened'::text, created_at, repository_id, id, null::bigint, null::bigint, null::text,
      null::double precision, null::bigint, author_id, true
    from github.discussions where deleted_at is null
    union all
    select
      'discussion answered'::text, answer_chosen_at, repository_id, id, null::bigint, null::bigint, null::text,
      null::double precision, null::bigint, answer_chosen_by_id, false
    from github.discussions where answer_chosen_at is not null and deleted_at is null
    union all
    select
      'discussion comment'::text, created_at, repository_id, id, null::bigint, null::bigint, null::text,
      null::double precision, null::bigint, author_id, true
    from github.discussion_comments where deleted_at is null
  ) as fact
  left join github.contributors on contributors.id = actor_id;
comment on view metrics.facts is 'What happened: one row per opening, merge, close, first review, review, comment and answer that a number counts.';
comment on column metrics.facts.what is 'pull request opened, merged or closed (unmerged), first review, review, comment, review comment, discussion opened or answered, discussion comment.';
comment on column metrics.facts.at is 'When it happened.';
comment on column metrics.facts.repository_id is 'The repository: github.repositories.id.';
comment on column metrics.facts.id is 'The row that states it, in the table that "what" names.';
comment on column metrics.facts.pull_request_id is 'The pull request it belongs to; null for discussions.';
comment on column metrics.facts.reviewed_id is 'Of a review: the pull request, if it is somebody else''s and not deleted.';
comment on column metrics.facts.state is 'Of a review: its state as it stands now.';
comment on column metrics.facts.hours is 'Of a merge: since opening; of a first review: since ready for review, else since opening.';
comment on column metrics.facts.lines is 'Of a merge: lines added and deleted; null where not known.';
comment on column metrics.facts.actor_id is 'Whose it is: the author of the pull request, review, comment or discussion, or who chose the answer; null for a deleted account.';
comment on column metrics.facts.is_bot is 'That account is a bot.';
comment on column metrics.facts.is_person is 'That account is a user or mannequin, and no bot.';
comment on column metrics.facts.is_activity is 'It makes that account active: not so for merges, closes, first reviews and answers.';
create index pull_requests_standing on github.pull_requests (repository_id, created_at, closed_at) where deleted_at is null;

create view metrics.repository_state as
  select
    repositories.id as repository_id,
    name_with_owner,
    not history_complete as is_partial,
    terminal_reason is not null or deleted_at is not null or not is_tracked as is_terminal,
    case
      when pull_requests.verified_at is not null and (discussions.verified_at is not null or not has_discussions)
        then least(pull_requests.verified_at, case when has_discussions then discussions.verified_at end)
    end as verified_at
  from github.repositories
  left join github.capture_state as pull_requests
    on pull_requests.repository_id = repositories.id and pull_requests.kind = 'pull_requests'
  left join github.capture_state as discussions
    on discussions.repository_id = repositories.id and discussions.kind = 'discussions';
comment on view metrics.repository_state is 'What decides whether a repository''s days can be final.';
comment on column metrics.repository_state.repository_id is 'The repository: github.repositories.id.';
comment on column metrics.repository_state.name_with_owner is 'owner/name in GitHub''s spelling.';
comment on column metrics.repository_state.is_partial is 'The walk over its history has not reached the end; true also where it never will, since nobody knows the rest.';
comment on column metrics.repository_state.is_terminal is 'Nothing more can come: deleted, gone, private, blocked or no longer tracked.';
comment on column metrics.repository_state.verified_at is 'We know all that happened until then: pull requests, and discussions where they are switched on.';

create table metrics.reopened (
  repository_id bigint primary key,
  from_day date not null,
  marked_at timestamptz not null default now()
);
comment on table metrics.reopened is 'Repositories whose facts changed since their days were last re-opened.';
comment on column metrics.reopened.repository_id is 'The repository: github.repositories.id.';
comment on column metrics.reopened.from_day is 'The earliest day that a changed fact touches: this day and all later ones are to be computed again.';
comment on column metrics.reopened.marked_at is 'When the first of these changes was written.';

create table metrics.reopening (
  taken_in xid8 not null,
  repository_id bigint not null,
  from_day date not null,
  marked_at timestamptz not null,
  primary key (taken_in, repository_id)
);
comment on table metrics.reopening is 'Marks taken from metrics.reopened by a run that has not computed all of their days yet.';
comment on column metrics.reopening.taken_in is 'The transaction that took it.';
comment on column metrics.reopening.repository_id is 'The repository: github.repositories.id.';
comment on column metrics.reopening.from_day is 'The earliest day to be computed again, with all later ones.';
comment on column metrics.reopening.marked_at is 'When the first of the changes was written.';

-- Who computes what it took holds a lock for as long as its connection lasts.
create view metrics.left_over as
  select taken_in, repository_id, from_day, marked_at
  from metrics.reopening
  where not exists (
    select from pg_locks
    where locktype = 'advisory' and objsubid = 2 and granted
      and database = (select oid from pg_database where datname = current_database())
      and classid = hashtext('metrics.reopening')::oid
  );
comment on view metrics.left_over is 'Marks in metrics.reopening that nobody computes any more: whoever took them has ended.';
comment on column metrics.left_over.taken_in is 'The transaction that took it.';
comment on column metrics.left_over.repository_id is 'The repository: github.repositories.id.';
comment on column metrics.left_over.from_day is 'The earliest day to be computed again, with all later ones.';
comment on column metrics.left_over.marked_at is 'When the first of the changes was written.';

create table metrics.first_activity (
  contributor_id bigint not null,
  repository_id bigint not null,
  first_at timestamptz not null,
  primary key (contributor_id, repository_id) include (first_at)
);
create index first_activity_first_at on metrics.first_activity (first_at) include (repository_id, contributor_id);
create index first_activity_repository on metrics.first_activity (repository_id, first_at) include (contributor_id);
comment on table metrics.first_activity is 'When a contributor was first active in a repository, by the facts that stand now.';
comment on column metrics.first_activity.contributor_id is 'The contributor: github.contributors.id.';
comment on column metrics.first_activity.repository_id is 'The repository: github.repositories.id.';
comment on column metrics.first_activity.first_at is 'The first pull request, review, comment, discussion or discussion comment.';

-- The same for one row, old or new: when, whose, whether that is activity, and in "detail" whatever else a number
-- is made of. Two rows that state the same make the same numbers.
create function metrics.stated(row_of github.pull_requests)
returns table (repository_id bigint, actor_id bigint, at timestamptz, is_activity boolean, detail text)
language sql immutable as $$
  select row_of.repository_id, row_of.author_id, fact.at, fact.is_activity, concat_ws(' ', row_of.id, fact.detail)
  from (values
    (row_of.created_at, true, 'opened'),
    (row_of.closed_at, false, concat('closed ', row_of.merged_at is null)),
    (row_of.merged_at, false, concat('merged ', extract(epoch from row_of.created_at), row_of.additions + row_of.deletions)),
    (
      row_of.first_review_at, false,
      concat('reviewed ', extract(epoch from row_of.created_at), ' ', extract(epoch from row_of.ready_at))
    )
  ) as fact (at, is_activity, detail)
  where row_of.deleted_at is null and fact.at is not null
$$;
create function metrics.stated(row_of github.reviews)
returns table (repository_id bigint, actor_id bigint, at timestamptz, is_activity boolean, detail text)
language sql immutable as $$
  select
    row_of.repository_id, row_of.author_id, row_of.submitted_at, true,
    concat_ws(' ', row_of.id, row_of.state, row_of.pull_request_id)
  where row_of.deleted_at is null
$$;
create function metrics.stated(row_of github.comments)
returns table (repository_id bigint, actor_id bigint, at timestamptz, is_activity boolean, detail text)
language sql immutable as $$
  select row_of.repository_id, row_of.author_id, row_of.created_at, true, concat_ws(' ', row_of.kind, row_of.id)
  where row_of.deleted_at is null
$$;
create function metrics.stated(row_of github.discussions)
returns table (repository_id bigint, actor_id bigint, at timestamptz, is_activity boolean, detail text)
language sql immutable as $$
  select row_of.repository_id, row_of.author_id, fact.at, fact.is_activity, concat_ws(' ', row_of.id, fact.detail)
  from (values
    (row_of.created_at, true, 'opened'),
    (row_of.answer_chosen_at, false, 'answered')
  ) as fact (at, is_activity, detail)
  where row_of.deleted_at is null and fact.at is not null
$$;
create function metrics.stated(row_of github.discussion_comments)
returns table (repository_id bigint, actor_id bigint, at timestamptz, is_activity boolean, detail text)
language sql immutable as $$
  select row_of.repository_id, row_of.author_id, row_of.created_at, true, row_of.id::text
  where row_of.deleted_at is null
$$;
comment on function metrics.stated(github.pull_requests) is 'What a pull request states.';
comment on function metrics.stated(github.reviews) is 'What a review states.';
comment on function metrics.stated(github.comments) is 'What a comment states.';
comment on function metrics.stated(github.discussions) is 'What a discussion states.';
comment on function metrics.stated(github.discussion_comments) is 'What a comment in a discussion states.';

-- For metrics.find_first_activity.
create index discussion_comments_repository on github.discussion_comments (repository_id, created_at);

create function metrics.find_first_activity(repositories bigint[], contributors bigint[]) returns void language sql as $$
  delete from metrics.first_activity as known using unnest(repositories, contributors) as pair (repository_id, contributor_id)
  where known.repository_id = pair.repository_id and known.contributor_id = pair.contributor_id;
  insert into metrics.first_activity (contributor_id, repository_id, first_at)
  select actor_id, repository_id, min(at)
  from metrics.facts
  where is_activity and repository_id = any(repositories) and actor_id = any(contributors)
    and (repository_id, actor_id) in (select * from unnest(repositories, contributors))
  group by actor_id, repository_id
$$;
comment on function metrics.find_first_activity(bigint[], bigint[]) is 'Looks for the first activity of each (repository, contributor) again, because the one that was known is gone.';

-- One trigger function per table of facts and kind of change, from one text: in it, gained and lost are what rows
-- state now and stated before.
do $do$
declare
  facts text;
  stated text;
  change record;
begin
  foreach facts in array array['pull_requests', 'reviews', 'comments', 'discussions', 'discussion_comments'] loop
    stated := format('select fact.* from %%I as changed, metrics.stated(row(changed.*)::github.%I) as fact', facts);
    for change in
      select 'insert' as event, 'new table as new_rows' as tables,
        format(stated, 'new_rows') as gained, format(stated, 'new_rows') || ' limit 0' as lost
      union all
      select 'update', 'old table as old_rows new table as new_rows',
        format(stated, 'new_rows') || ' except ' || format(stated, 'old_rows'),
        format(stated, 'old_rows') || ' except ' || format(stated, 'new_rows')
    loop
      execute format(
        $function$
          create function metrics.note_%1$s_of_%2$s() returns trigger language plpgsql as $$
          declare
            repositories bigint[];
            contributors bigint[];
          begin
            -- Writers on one repository take turns until the end of their transactions: else one could look for a
            -- first activity again while the other, unseen, writes an earlier one.
            perform pg_advisory_xact_lock(hashtextextended('metrics.first_activity', repository_id))
            from (select distinct repository_id from new_rows order by repository_id) as touched;
            if not found then
              return null;
            end if;
            with gained as materialized (%3$s), lost as materialized (%4$s),
            marked as (
              insert into metrics.reopened as mark (repository_id, from_day)
              select repository_id, min((at at time zone 'UTC')::date)
              from (table gained union all table lost) as touched group by repository_id order by repository_id
              on conflict (repository_id) do update set from_day = excluded.from_day
              where excluded.from_day < mark.from_day
            ),
            first_gained as (
              select actor_id, repository_id, min(at) as at from gained
              where is_activity and actor_id is not null group by actor_id, repository_id
            ),
            noted as (
              insert into metrics.first_activity as known (contributor_id, repository_id, first_at)
              select actor_id, repository_id, at from first_gained
              where not exists (
                select from metrics.first_activity as earlier
                where earlier.contributor_id = actor_id and earlier.repository_id = first_gained.repository_id
                  and earlier.first_at <= at
              )
              on conflict (contributor_id, repository_id) do update set first_at = excluded.first_at
            )
            select array_agg(known.repository_id), array_agg(known.contributor_id)
            into repositories, contributors
            from (select distinct repository_id, actor_id, at from lost where is_activity) as activity
            join metrics.first_activity as known
              on known.contributor_id = actor_id and known.repository_id = activity.repository_id and known.first_at = at;
            if repositories is not null then
              perform metrics.find_first_activity(repositories, contributors);
            end if;
            return null;
          end
          $$;
          comment on function metrics.note_%1$s_of_%2$s() is 'Marks the days that the rows touch and keeps metrics.first_activity.';
          create trigger note_%1$s after %1$s on github.%2$s referencing %5$s
          for each statement execute function metrics.note_%1$s_of_%2$s()
        $function$,
        change.event, facts, change.gained, change.lost, change.tables
      );
    end loop;
  end loop;
end
$do$;

-- A contributor that turns out to be a bot, or not to be one, counts differently since its first activity.
-- The first reviews go first: a page of pull requests, too, locks these before it marks days.
create function metrics.note_changed_contributors() returns trigger language plpgsql as $$
declare
  changed bigint[] := array(
    select id from new_rows join old_rows using (id)
    where (new_rows.kind, new_rows.is_bot) is distinct from (old_rows.kind, old_rows.is_bot)
  );
begin
  if changed = '{}' then
    return null;
  end if;
  perform github.refresh_first_reviews(
    array(select distinct pull_request_id from github.reviews where author_id = any(changed))
  );
  insert into metrics.reopened as mark (repository_id, from_day)
  select repository_id, min((first_at at time zone 'UTC')::date)
  from metrics.first_activity
  where contributor_id = any(changed)
  group by repository_id order by repository_id
  on conflict (repository_id) do update set from_day = excluded.from_day where excluded.from_day < mark.from_day;
  return null;
end
$$;
comment on function metrics.note_changed_contributors() is 'Where a contributor''s kind changes: looks for the first reviews anew and marks the days that it touches.';
create trigger note_changed_contributors after update on github.contributors
referencing old table as old_rows new table as new_rows
for each statement execute function metrics.note_changed_contributors();

create table metrics.workspace_trends (
  workspace_id uuid not null,
  day date not null,
  window_days integer not null check (window_days in (7, 30, 90)),
  metric text not null,
  current double precision,
  previous double precision,
  change_percent double precision,
  computed_at timestamptz not null default now(),
  primary key (workspace_id, day, window_days, metric)
);
create index workspace_trends_day on metrics.workspace_trends (day);
comment on table metrics.workspace_trends is 'Numbers of a workspace over the 7, 30 and 90 days that end with a day, and over as many days before.';
comment on column metrics.workspace_trends.workspace_id is 'The workspace: workspaces.workspaces.id.';
comment on column metrics.workspace_trends.day is 'The last day (UTC) of the window.';
comment on column metrics.workspace_trends.window_days is 'Days in the window: 7, 30 or 90.';
comment on column metrics.workspace_trends.metric is 'What is counted: a column of metrics.workspace_daily, over the whole window, or contributor_absence_factor: the fewest persons who together opened at least half of the merged pull requests that persons opened.';
comment on column metrics.workspace_trends.current is 'Over the window, from the facts: distinct people and percentiles of the whole window. Null: nothing to measure, or not known because a repository''s history is not complete yet.';
comment on column metrics.workspace_trends.previous is 'Over the window before. Null: nothing to measure, or the history of a repository is not complete yet.';
comment on column metrics.workspace_trends.change_percent is 'From previous to current, in percent of previous. Null: previous is 0 or null, or current is null.';
comment on column metrics.workspace_trends.computed_at is 'When the row was computed.';

create table metrics.workspace_contributors (
  workspace_id uuid not null,
  day date not null,
  window_days integer not null,
  contributor_id bigint not null,
  pull_requests integer not null,
  reviews integer not null,
  comments integer not null,
  discussions integer not null,
  rank integer not null,
  is_bot boolean not null,
  primary key (workspace_id, day, window_days, contributor_id)
);
comment on table metrics.workspace_contributors is 'The 100 accounts that did most in a workspace, over 30 days; kept for today and the newest final day.';
comment on column metrics.workspace_contributors.workspace_id is 'The workspace: workspaces.workspaces.id.';
comment on column metrics.workspace_contributors.day is 'The last day (UTC) of the window.';
comment on column metrics.workspace_contributors.window_days is 'Days in the window: 30.';
comment on column metrics.workspace_contributors.contributor_id is 'The account: github.contributors.id.';
comment on column metrics.workspace_contributors.pull_requests is 'Pull requests opened.';
comment on column metrics.workspace_contributors.reviews is 'Reviews submitted.';
comment on column metrics.workspace_contributors.comments is 'Comments written on pull requests, of both kinds.';
comment on column metrics.workspace_contributors.discussions is 'Discussions opened.';
comment on column metrics.workspace_contributors.rank is '1 for the largest sum of the four counts; among equals the smaller id first.';
comment on column metrics.workspace_contributors.is_bot is 'The account is a bot.';
