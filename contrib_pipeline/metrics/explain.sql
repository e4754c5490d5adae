-- name: facts
-- The facts of a workspace in [start, stop) that the metric counts, oldest first.
select
  at, what, name_with_owner as repository,
  coalesce(pull_requests.number, discussions.number) as number,
  coalesce(pull_requests.title, discussions.title) as title,
  facts.state, facts.hours, facts.lines, actor_id, login as actor,
  facts.id, facts.pull_request_id,
  coalesce(pull_requests.url, discussions.url) as url
from workspaces.repositories
join metrics.facts using (repository_id)
left join github.repositories as repository on repository.id = repository_id
left join github.contributors on contributors.id = actor_id
left join github.pull_requests on pull_requests.id = pull_request_id
left join github.discussion_comments on what = 'discussion comment' and discussion_comments.id = facts.id
left join github.discussions
  on pull_request_id is null and discussions.id = coalesce(discussion_comments.discussion_id, facts.id)
where workspace_id = %(workspace_id)s and at >= %(start)s and at < %(stop)s
  and case %(metric)s
    when 'pull_requests_opened' then what = 'pull request opened'
    when 'pull_requests_opened_by_bots' then what = 'pull request opened' and facts.is_bot
    when 'pull_requests_merged' then what = 'pull request merged'
    when 'pull_requests_closed' then what = 'pull request closed'
    when 'reviews' then what = 'review'
    when 'reviews_by_bots' then what = 'review' and facts.is_bot
    when 'reviews_approved' then facts.state = 'APPROVED'
    when 'reviews_changes_requested' then facts.state = 'CHANGES_REQUESTED'
    when 'reviews_commented' then facts.state = 'COMMENTED'
    when 'reviews_dismissed' then facts.state = 'DISMISSED'
    when 'pull_requests_reviewed' then is_person and reviewed_id is not null
    when 'reviewers' then is_person and reviewed_id is not null
    when 'comments' then what = 'comment'
    when 'review_comments' then what = 'review comment'
    when 'comments_by_bots' then what in ('comment', 'review comment') and facts.is_bot
    when 'discussions_opened' then what = 'discussion opened'
    when 'discussions_answered' then what = 'discussion answered'
    when 'discussion_comments' then what = 'discussion comment'
    when 'active_contributors' then is_person and is_activity
    when 'new_contributors' then is_person and is_activity and not exists (
      select from metrics.first_activity
      join workspaces.repositories as other using (repository_id)
      where other.workspace_id = %(workspace_id)s and contributor_id = actor_id and first_at < %(start)s
    )
    when 'first_review_hours_p50' then what = 'first review' and is_person
    when 'first_review_hours_p90' then what = 'first review' and is_person
    when 'merge_hours_p50' then what = 'pull request merged' and is_person
    when 'merge_hours_p90' then what = 'pull request merged' and is_person
    when 'lines_merged' then what = 'pull request merged'
  end
order by at, what, facts.id

-- name: standing
-- The pull requests of a workspace that existed, or were open, at the end of the day.
select
  pull_requests.created_at as at, 'pull request opened' as what, name_with_owner as repository,
  number, title, state, null::double precision as hours, null::bigint as lines, author_id as actor_id, login as actor,
  pull_requests.id, pull_requests.id as pull_request_id, url
from workspaces.repositories
join github.pull_requests using (repository_id)
left join github.repositories as repository on repository.id = repository_id
left join github.contributors on contributors.id = author_id
where workspace_id = %(workspace_id)s and pull_requests.created_at < %(stop)s and pull_requests.deleted_at is null
  and (%(metric)s = 'pull_requests_total' or closed_at is null or closed_at >= %(stop)s)
order by pull_requests.created_at, pull_requests.id
