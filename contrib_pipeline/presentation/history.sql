-- What pictures and reports show, of the repositories %(repository_ids)s, from the facts.

-- name: members
-- The repositories of a workspace; without one, those of all active workspaces.
select coalesce(array_agg(distinct repository_id), '{}') as repository_ids
from workspaces.repositories
join workspaces.workspaces on workspaces.id = workspace_id
where case when %(workspace_id)s::uuid is null then is_active else workspace_id = %(workspace_id)s end

-- name: days
-- A row per day from %(start)s to before %(stop)s, also where nothing happened.
with counted as (
  select
    (at at time zone 'UTC')::date as day,
    count(*) filter (where what = 'pull request opened') as opened,
    count(*) filter (where what = 'pull request merged') as merged,
    count(*) filter (where what = 'review') as reviews,
    count(*) filter (where what in ('comment', 'review comment')) as comments
  from metrics.facts
  where repository_id = any(%(repository_ids)s::bigint[]) and at >= %(start)s and at < %(stop)s
    and what in ('pull request opened', 'pull request merged', 'review', 'comment', 'review comment')
  group by 1
)
select
  wanted::date as day,
  coalesce(opened, 0) as opened, coalesce(merged, 0) as merged,
  coalesce(reviews, 0) as reviews, coalesce(comments, 0) as comments
from generate_series(%(start)s::timestamptz, %(stop)s::timestamptz - interval '1 day', '1 day') as wanted
left join counted on day = (wanted at time zone 'UTC')::date
order by day

-- name: weeks
-- Spans of seven days that end with %(stop)s; "day" is the last of each. Null hours: nobody's was reviewed, or merged.
select
  (last at time zone 'UTC')::date as day,
  percentile_cont(0.5) within group (order by hours) filter (where what = 'first review') as first_review_hours_p50,
  percentile_cont(0.9) within group (order by hours) filter (where what = 'first review') as first_review_hours_p90,
  percentile_cont(0.5) within group (order by hours) filter (where what = 'pull request merged') as merge_hours_p50,
  percentile_cont(0.9) within group (order by hours) filter (where what = 'pull request merged') as merge_hours_p90
from generate_series(%(start)s::timestamptz + interval '6 days', %(stop)s::timestamptz, '7 days') as last
left join (
  select what, hours, date_bin('7 days', at, %(start)s) + interval '6 days' as last
  from metrics.facts
  where repository_id = any(%(repository_ids)s::bigint[]) and at >= %(start)s and at < %(stop)s
    and not is_activity and what in ('first review', 'pull request merged') and is_person
) as fact using (last)
group by last
order by last

-- name: reviewers
-- Who reviewed somebody else's pull requests since %(recently)s, most first.
select login as contributor, facts.is_bot, count(*) as reviews
from metrics.facts
join github.contributors on contributors.id = actor_id
where repository_id = any(%(repository_ids)s::bigint[]) and at >= %(recently)s and at < %(stop)s
  and what = 'review' and reviewed_id is not null
group by contributors.id, facts.is_bot
order by facts.is_bot, reviews desc, contributors.id

-- name: responses
-- Persons' pull requests that got their first review since %(recently)s, and how many of them within so many hours.
select
  count(*) as pull_requests,
  count(*) filter (where hours <= 4) as within_4,
  count(*) filter (where hours <= 24) as within_24,
  count(*) filter (where hours <= 72) as within_72,
  count(*) filter (where hours <= 168) as within_168,
  percentile_cont(0.5) within group (order by hours) as first_review_hours_p50,
  percentile_cont(0.9) within group (order by hours) as first_review_hours_p90
from metrics.facts
where repository_id = any(%(repository_ids)s::bigint[]) and at >= %(recently)s and at < %(stop)s
  and not is_activity and what = 'first review' and is_person

-- name: authors_of_half
-- The persons of the contributor absence factor since %(quarter)s: who opened most of what was merged, up to half.
select contributor, merged
from (
  select
    login as contributor, count(*) as merged, row_number() over (order by count(*) desc, actor_id) as place,
    sum(count(*)) over (order by count(*) desc, actor_id rows unbounded preceding) - count(*) as before,
    sum(count(*)) over () as of_all
  from metrics.facts
  join github.contributors on contributors.id = actor_id
  where repository_id = any(%(repository_ids)s::bigint[]) and at >= %(quarter)s and at < %(stop)s
    and not is_activity and what = 'pull request merged' and is_person
  group by actor_id, login
) as author
where 2 * before < of_all
order by place
