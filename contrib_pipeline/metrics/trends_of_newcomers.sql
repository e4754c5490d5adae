-- Trends of newcomers: who came and had never been active in the workspace's repositories.

-- name: numbers
-- Who came within the half year, without those who had come before: each workspace's are few, and are looked up among
-- the many (offset 0: not the other way round).
, arrived as (
  select workspace_id, span, sum(people) as new_contributors
  from workspace
  cross join lateral (
    select width_bucket(first_at, %(starts)s) as part, count(*)::integer as people
    from (
      select contributor_id, min(first_at) as first_at
      from workspaces.repositories
      join metrics.first_activity using (repository_id)
      where repositories.workspace_id = workspace.workspace_id and first_at >= (%(starts)s)[1] and first_at < %(stop)s
      group by contributor_id
      having contributor_id not in (
        select id from github.contributors where kind not in ('user', 'mannequin') or is_bot
      )
      offset 0
    ) as newcomer
    where not exists (
      select from (
        select contributor_id
        from workspaces.repositories
        join metrics.first_activity using (repository_id)
        where repositories.workspace_id = workspace.workspace_id and first_at < (%(starts)s)[1]
        offset 0
      ) as known
      where known.contributor_id = newcomer.contributor_id
    )
    group by part
  ) as of_part
  join span_part using (part)
  group by workspace_id, span
),
number as (
  select workspace_id, window_days, is_current, is_partial, 'new_contributors' as metric,
    case when not is_partial then coalesce(new_contributors, 0) end::double precision as value
  from workspace
  cross join span
  left join arrived using (workspace_id, span)
)
