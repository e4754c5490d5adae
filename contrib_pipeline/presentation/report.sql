-- name: last_day
-- The newest day that is over and has trends; else the newest that has.
select workspace_daily.*
from metrics.workspace_daily
where workspace_id = %(workspace_id)s
  and exists (
    select from metrics.workspace_trends
    where workspace_trends.workspace_id = workspace_daily.workspace_id and workspace_trends.day = workspace_daily.day
  )
order by day < %(today)s desc, day desc
limit 1

-- name: leaders
-- Of the 30 days that end with %(day)s, or with the day nearest to it that is kept: the first twelve persons, and the
-- first six bots.
select contributor, is_bot, pull_requests, reviews, comments, discussions, day
from (
  select
    login as contributor, workspace_contributors.*,
    row_number() over (partition by workspace_contributors.is_bot order by rank) as place
  from metrics.workspace_contributors
  join github.contributors on contributors.id = contributor_id
  where workspace_id = %(workspace_id)s and day = (
    select day from metrics.workspace_contributors
    where workspace_id = %(workspace_id)s
    order by abs(day - %(day)s::date)
    limit 1
  )
) as ranked
where place <= case when is_bot then 6 else 12 end
order by rank

-- name: repositories
-- All repositories of a workspace, those first that hold its numbers back.
select
  coalesce(state.name_with_owner, member.repository_id::text) as repository,
  coalesce(is_partial, true) as is_partial, coalesce(is_terminal, false) as is_terminal,
  coalesce(verified_at <= %(stop)s, true) as is_behind,
  terminal_reason, verified_at, pull_requests_total as total, stored
from workspaces.repositories as member
left join metrics.repository_state as state using (repository_id)
left join github.repositories as repository on repository.id = member.repository_id
cross join lateral (
  select count(*) as stored from github.pull_requests
  where pull_requests.repository_id = member.repository_id and pull_requests.deleted_at is null
) as counted
where workspace_id = %(workspace_id)s
order by not (coalesce(is_partial, true) or coalesce(verified_at <= %(stop)s, true)), repository
