-- name: measure
-- The numbers of the time from %(start)s to before %(stop)s, for every active workspace (or those of
-- %(workspace_ids)s) and for every repository (or those of %(repository_ids)s, which must be the repositories of
-- these workspaces): one row per subject in "measured". To be followed by the statement that uses it.
--
-- How the rules are read. partial: history_complete is false, whatever the reason, since nobody knows the rest; a
-- workspace with such a member has null where the rest matters, and is not final. current: captured or probed after
-- the end (discussions too, where they are switched on), or terminal: deleted, gone, private, blocked or untracked.
-- A row is out by its own deleted_at; a review whose pull request is out reviews nothing. Durations are over pull
-- requests of persons: bots' and ghosts' are left out.
--
-- A subject is a workspace or a repository, by its id; its units are the repositories whose facts are its facts.
with unit as materialized (
  select
    workspaces.id::text as subject, workspaces.id as workspace_id, repository_id,
    coalesce(is_partial, repository_id is not null) as is_partial,
    coalesce(is_terminal or verified_at > %(stop)s, repository_id is null) as is_current
  from workspaces.workspaces
  left join workspaces.repositories on workspace_id = workspaces.id
  left join metrics.repository_state using (repository_id)
  where is_active and (%(workspace_ids)s::uuid[] is null or workspaces.id = any(%(workspace_ids)s))
  union all
  select repository_id::text, null, repository_id, is_partial, coalesce(is_terminal or verified_at > %(stop)s, false)
  from metrics.repository_state
  where %(repository_ids)s::bigint[] is null or repository_id = any(%(repository_ids)s)
),
counted as (
  select
    subject,
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
      when count(*) filter (where what = 'pull request merged' and lines is null) = 0 then coalesce(sum(lines), 0)
    end as lines_merged
  from unit
  left join (
    select * from metrics.facts
    where at >= %(start)s and at < %(stop)s
      and (%(repository_ids)s::bigint[] is null or repository_id = any(%(repository_ids)s))
  ) as fact using (repository_id)
  group by subject
),
-- A workspace's newcomer is new to all its repositories, so what they knew of the person before is looked up.
arrived as materialized (
  select distinct subject, workspace_id, contributor_id
  from metrics.first_activity
  join unit using (repository_id)
  join github.contributors on contributors.id = contributor_id
  where first_at >= %(start)s and first_at < %(stop)s and kind in ('user', 'mannequin') and not is_bot
),
newcomers as (
  select subject, count(*) filter (where coalesce(known.first_at >= %(start)s, true)) as new_contributors
  from arrived
  left join lateral (
    select min(first_at) as first_at
    from metrics.first_activity
    join workspaces.repositories using (repository_id)
    where repositories.workspace_id = arrived.workspace_id
      and first_activity.contributor_id = arrived.contributor_id
  ) as known on true
  group by subject
),
standing as (
  select repository_id, total, open
  from (select distinct repository_id from unit) as repository
  cross join lateral (
    select count(*) as total, count(*) filter (where closed_at is null or closed_at >= %(stop)s) as open
    from github.pull_requests
    where pull_requests.repository_id = repository.repository_id and created_at < %(stop)s and deleted_at is null
  ) as counted
),
held as (
  select
    subject, workspace_id,
    bool_or(is_partial) as is_partial,
    bool_and(is_current) as is_current,
    coalesce(sum(total), 0) as total,
    coalesce(sum(open), 0) as open
  from unit
  left join standing using (repository_id)
  group by subject, workspace_id
),
measured as (
  select
    counted.*,
    workspace_id,
    case when not is_partial then open end as pull_requests_open,
    case when not is_partial then total end as pull_requests_total,
    case when not is_partial then coalesce(new_contributors, 0) end as new_contributors,
    is_current and not is_partial and now() >= %(stop)s as is_final
  from counted
  join held using (subject)
  left join newcomers using (subject)
)
