-- name: measure
-- The numbers of the time from %(start)s to before %(stop)s, for every active workspace (or those of
-- %(workspace_ids)s) and for every repository (or those of these workspaces): one row per subject in "measured".
-- To be followed by the statement that uses it.
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
  select
    repository_id::text, null, repository_id, is_partial,
    coalesce(is_terminal or verified_at > %(stop)s, false)
  from metrics.repository_state
  where %(workspace_ids)s::uuid[] is null or repository_id in (
    select repository_id from workspaces.repositories where workspace_id = any(%(workspace_ids)s)
  )
),
event as (
  select
    'pull request opened' as what, repository_id, author_id as actor_id,
    null::bigint as reviewed_id, null::double precision as hours, null::bigint as lines
  from github.pull_requests
  where created_at >= %(start)s and created_at < %(stop)s and deleted_at is null
  union all
  select
    'pull request merged', repository_id, author_id,
    null, (extract(epoch from merged_at - created_at) / 3600)::double precision, (additions + deletions)::bigint
  from github.pull_requests
  where merged_at >= %(start)s and merged_at < %(stop)s and deleted_at is null
  union all
  select 'pull request closed', repository_id, author_id, null, null, null
  from github.pull_requests
  where closed_at >= %(start)s and closed_at < %(stop)s and merged_at is null and deleted_at is null
  union all
  select
    'first review', repository_id, author_id, null,
    (extract(epoch from first_review_at - waiting_since) / 3600)::double precision, null
  from github.pull_requests
  cross join lateral (
    select case when ready_at < first_review_at then ready_at else created_at end as waiting_since
  ) as wait
  where first_review_at >= %(start)s and first_review_at < %(stop)s and deleted_at is null
  union all
  select
    'review ' || reviews.state, reviews.repository_id, reviews.author_id, pull_requests.id, null, null
  from github.reviews
  left join github.pull_requests
    on pull_requests.id = reviews.pull_request_id and pull_requests.deleted_at is null
    and pull_requests.author_id is distinct from reviews.author_id
  where submitted_at >= %(start)s and submitted_at < %(stop)s and reviews.deleted_at is null
  union all
  select 'comment ' || kind, repository_id, author_id, null, null, null
  from github.comments
  where created_at >= %(start)s and created_at < %(stop)s and deleted_at is null
  union all
  select 'discussion opened', repository_id, author_id, null, null, null
  from github.discussions
  where created_at >= %(start)s and created_at < %(stop)s and deleted_at is null
  union all
  select 'discussion answered', repository_id, null, null, null, null
  from github.discussions
  where answer_chosen_at >= %(start)s and answer_chosen_at < %(stop)s and deleted_at is null
  union all
  select 'comment discussion', repository_id, author_id, null, null, null
  from github.discussion_comments
  where created_at >= %(start)s and created_at < %(stop)s and deleted_at is null
),
acted as (
  select
    event.*, is_bot,
    kind in ('user', 'mannequin') and not is_bot as is_person,
    what like '%% opened' or what like 'review %%' or what like 'comment %%' as is_activity
  from event
  left join github.contributors on contributors.id = actor_id
),
counted as (
  select
    subject,
    count(*) filter (where what = 'pull request opened') as pull_requests_opened,
    count(*) filter (where what = 'pull request opened' and is_bot) as pull_requests_opened_by_bots,
    count(*) filter (where what = 'pull request merged') as pull_requests_merged,
    count(*) filter (where what = 'pull request closed') as pull_requests_closed,
    count(*) filter (where what like 'review %%') as reviews,
    count(*) filter (where what like 'review %%' and is_bot) as reviews_by_bots,
    count(*) filter (where what = 'review APPROVED') as reviews_approved,
    count(*) filter (where what = 'review CHANGES_REQUESTED') as reviews_changes_requested,
    count(*) filter (where what = 'review COMMENTED') as reviews_commented,
    count(*) filter (where what = 'review DISMISSED') as reviews_dismissed,
    count(distinct reviewed_id) filter (where is_person) as pull_requests_reviewed,
    count(distinct actor_id) filter (where is_person and reviewed_id is not null) as reviewers,
    count(*) filter (where what = 'comment issue') as comments,
    count(*) filter (where what = 'comment review') as review_comments,
    count(*) filter (where what in ('comment issue', 'comment review') and is_bot) as comments_by_bots,
    count(*) filter (where what = 'discussion opened') as discussions_opened,
    count(*) filter (where what = 'discussion answered') as discussions_answered,
    count(*) filter (where what = 'comment discussion') as discussion_comments,
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
        then coalesce(sum(lines) filter (where what = 'pull request merged'), 0)
    end as lines_merged
  from unit
  left join acted using (repository_id)
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
  select
    repository_id,
    count(*) as total,
    count(*) filter (where closed_at is null or closed_at >= %(stop)s) as open
  from github.pull_requests
  where created_at < %(stop)s and deleted_at is null
    and (%(workspace_ids)s::uuid[] is null or repository_id in (select repository_id from unit))
  group by repository_id
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
