-- For analysts: views with stable names over the tables, and a role that may read them and nothing else.

create schema reporting;
comment on schema reporting is 'Views for analysis: stable names, commented columns, read by the role contrib_readonly.';

create view reporting.repositories as
  select
    repositories.id as repository_id, repositories.name_with_owner as repository, description, primary_language, stars, forks,
    is_private, is_archived, is_fork, is_tracked, size, priority,
    pull_requests_total, discussions_total, history_complete, verified_at, terminal_reason,
    created_at, pushed_at, deleted_at
  from github.repositories
  join metrics.repository_state on repository_id = repositories.id;
comment on view reporting.repositories is 'Repositories, and how far we have captured them.';

create view reporting.workspaces as
  select
    workspaces.id as workspace_id, slug as workspace, workspaces.name as workspace_name, is_active,
    repository_id, name_with_owner as repository, added_at, is_pinned
  from workspaces.workspaces
  left join workspaces.repositories on workspace_id = workspaces.id
  left join github.repositories as repository on repository.id = repository_id;
comment on view reporting.workspaces is 'Workspaces and their repositories: a row for each pair, and one for a workspace without repositories.';

create view reporting.workspace_daily as
  select slug as workspace, name as workspace_name, workspace_daily.*
  from metrics.workspace_daily
  join workspaces.workspaces on id = workspace_id;
comment on view reporting.workspace_daily is 'The numbers of a workspace on a day (UTC).';

create view reporting.repository_daily as
  select name_with_owner as repository, repository_daily.*
  from metrics.repository_daily
  join github.repositories on id = repository_id;
comment on view reporting.repository_daily is 'The numbers of a repository on a day (UTC).';

create view reporting.workspace_trends as
  select slug as workspace, name as workspace_name, workspace_trends.*
  from metrics.workspace_trends
  join workspaces.workspaces on id = workspace_id;
comment on view reporting.workspace_trends is 'Numbers of a workspace over 7, 30 and 90 days, and over as many days before.';

create view reporting.leaderboard as
  select slug as workspace, workspaces.name as workspace_name, login as contributor, avatar_url, workspace_contributors.*
  from metrics.workspace_contributors
  join workspaces.workspaces on workspaces.id = workspace_id
  join github.contributors on contributors.id = contributor_id;
comment on view reporting.leaderboard is 'Who did most in a workspace over the 30 days that end with a day.';

-- The same counts as in metrics/measure.sql, over weeks and months. What stands at an end and who is new are left
-- out: they are no counts of facts in the period.
do $do$
declare
  period text;
  adjective text;
begin
  foreach period in array array['week', 'month'] loop
    adjective := period || 'ly';
    execute format(
      $view$
        create view reporting.workspace_%2$s as
          select
            slug as workspace,
            workspaces.name as workspace_name,
            workspaces.id as workspace_id,
            date_trunc('%1$s', at at time zone 'UTC')::date as %1$s,
            count(*) filter (where what = 'pull request opened') as pull_requests_opened,
            count(*) filter (where what = 'pull request opened' and is_bot) as pull_requests_opened_by_bots,
            count(*) filter (where what = 'pull request merged') as pull_requests_merged,
            count(*) filter (where what = 'pull request closed') as pull_requests_closed,
            count(*) filter (where what = 'review') as reviews,
            count(*) filter (where what = 'review' and is_bot) as reviews_by_bots,
            count(*) filter (where state = 'APPROVED') as reviews_approved,
            count(*) filter (where state = 'CHANGES_REQUESTED') as reviews_changes_requested,
            count(*) filter (where state = 'COMMENTED') as reviews_commented,
            count(*) filter (where state = 'DISMISSED') as reviews_dismissed,
            count(distinct reviewed_id) filter (where is_person) as pull_requests_reviewed,
            count(distinct actor_id) filter (where is_person and reviewed_id is not null) as reviewers,
            count(*) filter (where what = 'comment') as comments,
            count(*) filter (where what = 'review comment') as review_comments,
            count(*) filter (where what in ('comment', 'review comment') and is_bot) as comments_by_bots,
            count(*) filter (where what = 'discussion opened') as discussions_opened,
            count(*) filter (where what = 'discussion answered') as discussions_answered,
            count(*) filter (where what = 'discussion comment') as discussion_comments,
            count(distinct actor_id) filter (where is_person and is_activity) as active_contributors,
            percentile_cont(0.5) within group (order by hours)
              filter (where what = 'first review' and is_person) as first_review_hours_p50,
            percentile_cont(0.9) within group (order by hours)
              filter (where what = 'first review' and is_person) as first_review_hours_p90,
            percentile_cont(0.5) within group (order by hours)
              filter (where what = 'pull request merged' and is_person) as merge_hours_p50,
            percentile_cont(0.9) within group (order by hours)
              filter (where what = 'pull request merged' and is_person) as merge_hours_p90,
            case
              when count(*) filter (where what = 'pull request merged' and lines is null) = 0
                then coalesce(sum(lines), 0)
            end as lines_merged
          from workspaces.workspaces
          join workspaces.repositories on workspace_id = workspaces.id
          join metrics.facts using (repository_id)
          group by workspaces.id, date_trunc('%1$s', at at time zone 'UTC');
        comment on view reporting.workspace_%2$s is
          'The numbers of a workspace in a %1$s (UTC), from the facts. A %1$s in which nothing happened has no row.';
        comment on column reporting.workspace_%2$s.%1$s is 'Its first day.'
      $view$,
      period, adjective
    );
  end loop;
end
$do$;

create view reporting.pull_requests as
  select
    name_with_owner as repository, number, title, state, draft,
    author.login as author, coalesce(author.is_bot, false) as is_bot, merger.login as merged_by,
    pull_requests.created_at, ready_at, first_review_at, merged_at, closed_at,
    extract(epoch from first_review_at - case when ready_at < first_review_at then ready_at else pull_requests.created_at end)
      / 3600 as first_review_hours,
    extract(epoch from merged_at - pull_requests.created_at) / 3600 as merge_hours,
    extract(epoch from merged_at - first_review_at) / 3600 as review_to_merge_hours,
    additions, deletions, changed_files, commits, labels, review_decision, url,
    pull_requests.id as pull_request_id, repository_id, author_id
  from github.pull_requests
  join github.repositories on repositories.id = repository_id
  left join github.contributors as author on author.id = author_id
  left join github.contributors as merger on merger.id = merged_by_id
  where pull_requests.deleted_at is null;
comment on view reporting.pull_requests is 'Pull requests with the times they took; deleted ones are left out.';

create view reporting.review_load as
  select
    name_with_owner as repository,
    date_trunc('week', at at time zone 'UTC')::date as week,
    login as reviewer,
    facts.is_bot,
    count(*) as reviews,
    count(distinct pull_request_id) as pull_requests,
    count(*) filter (where facts.state = 'APPROVED') as approvals,
    facts.repository_id,
    actor_id as contributor_id
  from metrics.facts
  join github.repositories on repositories.id = facts.repository_id
  join github.contributors on contributors.id = actor_id
  where what = 'review' and reviewed_id is not null
  group by repositories.id, facts.repository_id, week, contributors.id, actor_id, facts.is_bot;
comment on view reporting.review_load is 'Reviews of other people''s pull requests, by repository, week and reviewer.';

create view reporting.first_responses as
  select
    slug as workspace,
    workspaces.name as workspace_name,
    date_trunc('week', at at time zone 'UTC')::date as week,
    count(*) as pull_requests,
    percentile_cont(0.5) within group (order by hours) as first_review_hours_p50,
    percentile_cont(0.9) within group (order by hours) as first_review_hours_p90,
    count(*) filter (where hours <= 4) as within_4_hours,
    count(*) filter (where hours <= 24) as within_a_day,
    count(*) filter (where hours <= 72) as within_3_days,
    count(*) filter (where hours <= 168) as within_a_week,
    workspace_id
  from workspaces.workspaces
  join workspaces.repositories on workspace_id = workspaces.id
  join metrics.facts using (repository_id)
  where what = 'first review' and is_person
  group by workspaces.id, workspace_id, week;
comment on view reporting.first_responses is
  'How soon persons'' pull requests got their first review, by workspace and week. A week in which none did has no row.';

create view reporting.bus_factor as
  select workspace, workspace_name, day, window_days, current as people, previous as people_before, change_percent, workspace_id
  from reporting.workspace_trends
  where metric = 'contributor_absence_factor';
comment on view reporting.bus_factor is
  'The fewest persons who together opened at least half of what persons had merged (CHAOSS: contributor absence factor).';

create view reporting.humans_and_bots as
  select
    workspace, workspace_name, day,
    pull_requests_opened - pull_requests_opened_by_bots as pull_requests_opened_by_humans, pull_requests_opened_by_bots,
    reviews - reviews_by_bots as reviews_by_humans, reviews_by_bots,
    comments + review_comments - comments_by_bots as comments_by_humans, comments_by_bots,
    is_final, workspace_id
  from reporting.workspace_daily;
comment on view reporting.humans_and_bots is
  'What humans and bots did in a workspace on a day (UTC). Deleted accounts are counted with the humans.';

-- A column of a view means what the column of the same name in the table below it means.
do $$
declare
  source record;
begin
  for source in
    select format('%I.%I', relnamespace::regnamespace, relname) as view, attname, coalesce(
      (
        select col_description(below.attrelid, below.attnum)
        from pg_attribute as below
        where below.attname = shown.attname and below.attrelid = any(
          case relname
            when 'repositories' then '{github.repositories, metrics.repository_state}'::regclass[]
            when 'workspaces' then '{workspaces.repositories, workspaces.workspaces}'
            when 'workspace_trends' then '{metrics.workspace_trends}'
            when 'bus_factor' then '{metrics.workspace_trends}'
            when 'leaderboard' then '{metrics.workspace_contributors, github.contributors}'
            when 'pull_requests' then '{github.pull_requests}'
            when 'repository_daily' then '{metrics.repository_daily}'
            else '{metrics.workspace_daily}'
          end
        )
        order by below.attrelid
        limit 1
      ),
      case attname
        when 'workspace' then 'The workspace''s slug.'
        when 'workspace_name' then 'The workspace''s name.'
        when 'repository' then 'owner/name in GitHub''s spelling.'
        when 'repository_id' then 'The repository: github.repositories.id.'
        when 'contributor' then 'Login of the account.'
        when 'contributor_id' then 'The account: github.contributors.id.'
        when 'author' then 'Login of who opened it; null for a deleted account.'
        when 'is_bot' then 'That account is a bot.'
        when 'merged_by' then 'Login of who merged it.'
        when 'first_review_hours' then 'Hours to the first review by a person other than the author: from ready for review, else from opening.'
        when 'merge_hours' then 'Hours from opening to merge.'
        when 'review_to_merge_hours' then 'Hours from the first review to the merge.'
        when 'pull_request_id' then 'GitHub''s numeric id.'
        when 'week' then 'Monday of the week (UTC).'
        when 'reviewer' then 'Login of the reviewer.'
        when 'approvals' then 'Reviews among them that approve, as they stand now.'
      end
    ) as sentence
    from pg_class
    join pg_attribute as shown on attrelid = pg_class.oid and attnum > 0
    where relnamespace = 'reporting'::regnamespace and relkind = 'v'
      and col_description(shown.attrelid, shown.attnum) is null
  loop
    execute format('comment on column %s.%I is %L', source.view, source.attname, source.sentence);
  end loop;
end
$$;
comment on column reporting.review_load.pull_requests is 'Distinct pull requests among them.';
comment on column reporting.review_load.reviews is 'Reviews submitted in the week.';
comment on column reporting.first_responses.pull_requests is 'Persons'' pull requests that got their first review in the week.';
comment on column reporting.first_responses.within_4_hours is 'Of these, how many got it within 4 hours.';
comment on column reporting.first_responses.within_a_day is 'Of these, how many got it within 24 hours.';
comment on column reporting.first_responses.within_3_days is 'Of these, how many got it within 72 hours.';
comment on column reporting.first_responses.within_a_week is 'Of these, how many got it within 168 hours.';
comment on column reporting.bus_factor.people is 'How many persons, over the window that ends with the day. Null: nobody''s was merged, or a history is not complete yet.';
comment on column reporting.bus_factor.people_before is 'The same over the window before.';
comment on column reporting.humans_and_bots.pull_requests_opened_by_humans is 'Pull requests opened by humans.';
comment on column reporting.humans_and_bots.reviews_by_humans is 'Reviews submitted by humans.';
comment on column reporting.humans_and_bots.comments_by_humans is 'Comments of both kinds written by humans.';

-- Roles belong to the whole server: another database of it may have made this one already, or be making it now.
do $$
begin
  if not exists (select from pg_roles where rolname = 'contrib_readonly') then
    create role contrib_readonly nologin;
  end if;
exception
  when insufficient_privilege or duplicate_object or unique_violation then null;
end
$$;
do $$
begin
  grant usage on schema reporting to contrib_readonly;
  grant select on all tables in schema reporting to contrib_readonly;
  alter default privileges in schema reporting grant select on tables to contrib_readonly;
exception
  when insufficient_privilege or undefined_object then null;
end
$$;
