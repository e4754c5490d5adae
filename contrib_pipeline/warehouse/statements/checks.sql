-- What must hold of the copy, one statement each: a row for every offender (what, detail), a hundred at most, and in
-- each how many there are in all (offenders).

-- name: pull_request_totals
-- Of repositories that were walked to their end: what GitHub counted at the last capture against what was stored then,
-- and those that it counts but lists nowhere.
with last as (
  select distinct on (repository_id) repository_id, github_total, stored_total, finished_at
  from github.captures
  where kind not like 'discussions%' and github_total is not null and finished_at is not null
  order by repository_id, finished_at desc
)
select
  name_with_owner as what,
  format('GitHub counts %s pull requests, %s are stored', last.github_total, last.stored_total) as detail,
  count(*) over () as offenders
from last
join github.repositories r on r.id = last.repository_id
where r.history_complete and r.is_tracked and r.terminal_reason is null
  and last.github_total <> last.stored_total + github.unlisted(r.id, false)
order by abs(last.github_total - last.stored_total) desc, what
limit 100

-- name: discussion_totals
with last as (
  select distinct on (repository_id) repository_id, github_total, stored_total, finished_at
  from github.captures
  where kind like 'discussions%' and github_total is not null and finished_at is not null
  order by repository_id, finished_at desc
)
select
  name_with_owner as what,
  format('GitHub counts %s discussions, %s are stored', last.github_total, last.stored_total) as detail,
  count(*) over () as offenders
from last
join github.repositories r on r.id = last.repository_id
join github.capture_state s on s.repository_id = r.id and s.kind = 'discussions_history' and s.cursor is null
where r.is_tracked and r.terminal_reason is null
  and last.github_total <> last.stored_total + github.unlisted(r.id, true)
order by abs(last.github_total - last.stored_total) desc, what
limit 100

-- name: review_and_comment_totals
-- Where GitHub's numbers are known, and the pull request was not updated since.
with counted as (
  select
    p.repository_id, p.number, p.reviews_total, p.comments_total,
    p.reviews_unlisted, p.comments_unlisted,
    (select count(*) from github.reviews v where v.pull_request_id = p.id and v.deleted_at is null) as reviews,
    (
      select count(*) from github.comments c
      where c.pull_request_id = p.id and c.kind = 'issue' and c.deleted_at is null
    ) as comments
  from github.pull_requests p
  where p.reviews_total is not null and p.deleted_at is null and p.updated_at < p.totals_read_at
)
select
  format('%s#%s', r.name_with_owner, number) as what,
  format(
    'GitHub counts %s reviews and %s comments, %s and %s are stored', reviews_total, comments_total, reviews, comments
  ) as detail,
  count(*) over () as offenders
from counted
join github.repositories r on r.id = repository_id
where (reviews + reviews_unlisted, comments + comments_unlisted) <> (reviews_total, comments_total)
  and r.terminal_reason is null
order by what
limit 100

-- name: freshness
-- GitHub named an update more than an hour ago that is not stored; or nobody has looked for a day and two hours.
select
  r.name_with_owner as what,
  case
    when s.verified_at is null then 'never captured'
    when r.active_at > s.watermark then format('GitHub was updated at %s, stored is what was until %s', r.active_at, s.watermark)
    else format('last looked at %s', s.verified_at)
  end as detail,
  count(*) over () as offenders
from github.repositories r
left join (
  select repository_id, min(verified_at) as verified_at, max(watermark) as watermark
  from github.capture_state where kind in ('pull_requests', 'discussions') group by repository_id
) s on s.repository_id = r.id
where r.is_tracked
  and r.terminal_reason is null
  and (
    s.verified_at is null
    or s.verified_at < now() - interval '26 hours'
    or (r.active_at > s.watermark and r.probed_at < now() - interval '1 hour')
  )
order by s.verified_at nulls first, what
limit 100

-- name: unique_keys
-- The numeric ids are primary keys; GitHub's other names for the same thing must not be shared by two of them.
with doubled as (
  select 'github.repositories' as t, node_id as key, count(*) as n from github.repositories group by node_id having count(*) > 1
  union all
  select 'github.contributors', node_id, count(*) from github.contributors group by node_id having count(*) > 1
  union all
  select 'github.pull_requests', node_id, count(*) from github.pull_requests group by node_id having count(*) > 1
  union all
  select 'github.reviews', node_id, count(*) from github.reviews group by node_id having count(*) > 1
  union all
  select 'github.comments', node_id, count(*) from github.comments group by node_id having count(*) > 1
  union all
  select 'github.discussions', node_id, count(*) from github.discussions group by node_id having count(*) > 1
  union all
  select 'github.discussion_comments', node_id, count(*) from github.discussion_comments group by node_id having count(*) > 1
)
select t || ' ' || key as what, n || ' rows' as detail, count(*) over () as offenders
from doubled
order by what
limit 100

-- name: no_orphans
with orphans as (
  select 'pull request' as kind, p.id, 'repository' as parent, p.repository_id as parent_id
  from github.pull_requests p
  where not exists (select from github.repositories r where r.id = p.repository_id)
  union all
  select 'pull request', p.id, 'author', p.author_id
  from github.pull_requests p
  where author_id is not null and not exists (select from github.contributors c where c.id = p.author_id)
  union all
  select 'review', v.id, 'pull request', v.pull_request_id
  from github.reviews v
  where not exists (select from github.pull_requests p where p.id = v.pull_request_id)
  union all
  select 'review', v.id, 'author', v.author_id
  from github.reviews v
  where author_id is not null and not exists (select from github.contributors c where c.id = v.author_id)
  union all
  select 'comment', m.id, 'pull request', m.pull_request_id
  from github.comments m
  where not exists (select from github.pull_requests p where p.id = m.pull_request_id)
  union all
  select 'comment', m.id, 'review', m.review_id
  from github.comments m
  where review_id is not null and not exists (select from github.reviews v where v.id = m.review_id)
  union all
  select 'comment', m.id, 'author', m.author_id
  from github.comments m
  where author_id is not null and not exists (select from github.contributors c where c.id = m.author_id)
  union all
  select 'discussion', d.id, 'repository', d.repository_id
  from github.discussions d
  where not exists (select from github.repositories r where r.id = d.repository_id)
  union all
  select 'discussion comment', m.id, 'discussion', m.discussion_id
  from github.discussion_comments m
  where not exists (select from github.discussions d where d.id = m.discussion_id)
  union all
  select 'discussion comment', m.id, 'comment', m.parent_id
  from github.discussion_comments m
  where parent_id is not null and not exists (select from github.discussion_comments p where p.id = m.parent_id)
)
select format('%s %s', kind, id) as what, format('its %s %s is not stored', parent, parent_id) as detail,
  count(*) over () as offenders
from orphans
order by what
limit 100

-- name: dates_in_order
with wrong as (
  select 'pull request ' || url as what, 'closed, merged or updated before it was opened' as detail
  from github.pull_requests
  where least(updated_at, closed_at, merged_at) < created_at
  union all
  select 'pull request ' || url, 'merged at another time than closed'
  from github.pull_requests
  where merged_at <> closed_at
  union all
  select 'comment ' || id, 'updated before it was written' from github.comments where updated_at < created_at
  union all
  select 'discussion ' || id, 'closed or updated before it was opened'
  from github.discussions
  where least(updated_at, closed_at) < created_at
  union all
  select 'discussion comment ' || id, 'updated before it was written'
  from github.discussion_comments
  where updated_at < created_at
  union all
  select 'review ' || id, 'submitted in the future' from github.reviews where submitted_at > now() + interval '1 hour'
)
select what, detail, count(*) over () as offenders from wrong order by what limit 100

-- name: merged_means_merged_at
select
  'pull request ' || url as what,
  format('state %s, merged at %s, closed at %s', state, merged_at, closed_at) as detail,
  count(*) over () as offenders
from github.pull_requests
where state <> case when merged_at is not null then 'merged' when closed_at is not null then 'closed' else 'open' end
order by what
limit 100

-- name: last_capture_succeeded
-- Not what waits for GitHub's budget: that is put back and done later.
with last as (
  select distinct on (repository_id, kind like 'discussions%') repository_id, kind, error, finished_at
  from github.captures
  where finished_at is not null and coalesce(error, '') not like 'Deferred:%'
  order by repository_id, kind like 'discussions%', finished_at desc
)
select
  r.name_with_owner as what,
  format('%s at %s: %s', last.kind, last.finished_at, last.error) as detail,
  count(*) over () as offenders
from last
join github.repositories r on r.id = last.repository_id
where last.error is not null and r.is_tracked and r.terminal_reason is null
order by what
limit 100
