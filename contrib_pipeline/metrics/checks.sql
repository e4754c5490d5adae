-- What must hold of the metrics. Each statement finds offenders, the worst first: what (a workspace, repository or
-- day), detail, and offenders, how many there are. Parameters: %(today)s; %(first)s, the first day of the retention.
-- A workspace made or a day begun within the last hour is given the time to be computed.

-- name: every_day_is_there
select wanted::date as what, 'no workspace has a row' as detail, count(*) over () as offenders
from generate_series(%(first)s::date, %(today)s::date - 1, '1 day') as wanted
where exists (select from workspaces.workspaces where is_active and created_at < now() - interval '1 hour')
  and not exists (select from metrics.workspace_daily where day = wanted::date)
order by wanted desc

-- name: a_row_per_active_workspace
select
  slug as what, format('%%s days have no row, the last of them %%s', count(*), max(wanted)::date) as detail,
  count(*) over () as offenders
from generate_series(%(first)s::date, %(today)s::date - 1, '1 day') as wanted
cross join workspaces.workspaces
where is_active and created_at < now() - interval '1 hour'
  and exists (select from metrics.workspace_daily where day = wanted::date)
  and not exists (select from metrics.workspace_daily where workspace_id = workspaces.id and day = wanted::date)
group by slug
order by count(*) desc, slug

-- name: what_happened_was_counted
-- The newest day that is over: a run that wrote nothing, or rows of zeros, where there is something to count.
with happened as (
  select workspace_id, count(*) as facts
  from workspaces.repositories
  join (
    select repository_id from metrics.facts
    where at >= (%(today)s::date - 1)::timestamp at time zone 'UTC' and at < %(today)s::date::timestamp at time zone 'UTC'
      and is_activity
  ) as fact using (repository_id)
  group by workspace_id
),
counted as (
  select
    workspace_id, is_final, computed_at,
    pull_requests_opened + reviews + comments + review_comments + discussions_opened + discussion_comments as facts
  from metrics.workspace_daily
  where day = %(today)s::date - 1
)
select
  slug as what,
  case
    when computed_at is null then format('%%s: %%s facts and no row', %(today)s::date - 1, coalesce(happened.facts, 0))
    when computed_at < %(today)s::date::timestamp at time zone 'UTC' then format('%%s: not computed since it ended', %(today)s::date - 1)
    else format('%%s: %%s facts, %%s counted', %(today)s::date - 1, coalesce(happened.facts, 0), counted.facts)
  end as detail,
  count(*) over () as offenders
from workspaces.workspaces
left join happened on happened.workspace_id = workspaces.id
left join counted on counted.workspace_id = workspaces.id
where is_active and created_at < now() - interval '1 hour' and now() > %(today)s::date::timestamp at time zone 'UTC' + interval '1 hour'
  and (
    computed_at is null
    or computed_at < %(today)s::date::timestamp at time zone 'UTC'
    or (
      is_final and counted.facts <> coalesce(happened.facts, 0)
      and not exists (
        -- Late facts that wait for their days to be re-opened.
        select from metrics.reopened
        join workspaces.repositories using (repository_id)
        where repositories.workspace_id = workspaces.id and from_day < %(today)s
      )
    )
  )
order by coalesce(happened.facts, 0) desc, slug

-- name: repositories_add_up
-- Where a workspace and all its repositories are final, numbers of things are the sums of its repositories'.
select
  slug as what, format('%%s: %%s of the repositories, %%s of the workspace', day, added, whole) as detail,
  count(*) over () as offenders
from (
  select
    slug, workspace_daily.day,
    array[{whole}]::bigint[] as whole,
    array[{added}]::bigint[] as added
  from metrics.workspace_daily
  join workspaces.workspaces on id = workspace_id
  left join workspaces.repositories using (workspace_id)
  left join metrics.repository_daily
    on repository_daily.repository_id = repositories.repository_id and repository_daily.day = workspace_daily.day
  where workspace_daily.is_final and workspace_daily.day >= %(first)s
  group by slug, workspace_daily.workspace_id, workspace_daily.day
  having bool_and(repository_daily.is_final) is not false
) as compared
where whole is distinct from added
order by day desc, slug

-- name: numbers_are_possible
-- No number is negative, no part is larger than its whole, no median longer than nine in ten; for {table}.
select
  format('%%s %%s', {name}, day) as what, wrong as detail, count(*) over () as offenders
from metrics.{table}
cross join lateral (
  values
    ('a number is negative', least({columns}) < 0),
    ('more by bots than there are', pull_requests_opened_by_bots > pull_requests_opened or reviews_by_bots > reviews
      or comments_by_bots > comments + review_comments),
    ('states of reviews add up to more than reviews',
      reviews_approved + reviews_changes_requested + reviews_commented + reviews_dismissed > reviews),
    ('more open than opened', pull_requests_open > pull_requests_total),
    ('more opened on the day than ever', pull_requests_opened > pull_requests_total),
    ('more reviewers or reviewed pull requests than reviews', greatest(reviewers, pull_requests_reviewed) > reviews),
    ('more reviewers than active persons', reviewers > active_contributors),
    ('more new persons than active ones', new_contributors > active_contributors),
    ('a median above nine in ten', first_review_hours_p50 > first_review_hours_p90 or merge_hours_p50 > merge_hours_p90),
    ('hours to merge without a merge', merge_hours_p50 is not null and pull_requests_merged = 0),
    ('final before it was over', is_final and day >= %(today)s::date)
) as rule (wrong, is_broken)
where is_broken
order by day desc, 1

-- name: no_sudden_drop
-- Activity of the newest day that is over, against the median of the same weekday in the four weeks before.
with activity as (
  select
    workspace_id, day,
    pull_requests_opened + reviews + comments + review_comments + discussions_opened + discussion_comments as deeds
  from metrics.workspace_daily
  where day = any(array(select %(today)s::date - 1 - 7 * weeks from generate_series(0, 4) as weeks))
),
compared as (
  select
    workspace_id,
    max(deeds) filter (where day = %(today)s::date - 1) as deeds,
    percentile_cont(0.5) within group (order by deeds) filter (where day < %(today)s::date - 1) as usual
  from activity
  group by workspace_id
)
select
  slug as what, format('%%s: %%s deeds, usually %%s on that weekday', %(today)s::date - 1, deeds, usual) as detail,
  count(*) over () as offenders
from compared
join workspaces.workspaces on id = workspace_id
where is_active and usual >= 20 and deeds <= 0.2 * usual
order by usual desc, slug

-- name: trends_are_there
-- Of the newest day that is over, for every active workspace that has a row of it: each metric over each window.
select
  slug as what, format('%%s: %%s of %%s numbers', %(today)s::date - 1, count(metric), %(numbers)s::integer) as detail,
  count(*) over () as offenders
from workspaces.workspaces
join metrics.workspace_daily on workspace_daily.workspace_id = workspaces.id and workspace_daily.day = %(today)s::date - 1
left join metrics.workspace_trends
  on workspace_trends.workspace_id = workspaces.id and workspace_trends.day = workspace_daily.day
where is_active
group by slug
having count(metric) <> %(numbers)s
order by slug

-- name: contributors_are_there
-- Where people were active on days that lie in the window, somebody is on the list.
select
  slug as what, format('active on %%s of 30 days, nobody is listed', count(*)) as detail, count(*) over () as offenders
from workspaces.workspaces
join metrics.workspace_daily on workspace_daily.workspace_id = workspaces.id
where is_active and active_contributors > 0 and day > %(today)s::date - 30 and day <= %(today)s::date
  and not exists (
    select from metrics.workspace_contributors where workspace_contributors.workspace_id = workspaces.id
  )
group by slug
order by count(*) desc, slug
