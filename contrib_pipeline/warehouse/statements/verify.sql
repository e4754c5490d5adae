-- What is stored, to be compared with what GitHub lists. Reviews and comments with those that it counts, but lists nowhere.

-- name: stored_pull_requests
select
  number,
  created_at,
  updated_at,
  reviews_unlisted + (
    select count(*) from github.reviews r where r.pull_request_id = p.id and r.deleted_at is null
  ) as reviews,
  comments_unlisted + (
    select count(*) from github.comments c
    where c.pull_request_id = p.id and c.kind = 'issue' and c.deleted_at is null
  ) as comments
from github.pull_requests p
where repository_id = %(repository_id)s and deleted_at is null

-- name: stored_discussions
select
  number,
  created_at,
  updated_at,
  comments_unlisted + (
    select count(*) from github.discussion_comments c
    where c.discussion_id = d.id and c.parent_id is null and c.deleted_at is null
  ) as comments
from github.discussions d
where repository_id = %(repository_id)s and deleted_at is null

-- name: keep_totals
update github.pull_requests p
set reviews_total = given.reviews, comments_total = given.comments, totals_read_at = %(read_at)s
from unnest(%(numbers)s::integer[], %(reviews)s::integer[], %(comments)s::integer[]) as given (number, reviews, comments)
where p.repository_id = %(repository_id)s
  and p.number = given.number
  and (p.totals_read_at is null or p.totals_read_at < %(read_at)s)

-- name: keep_unlisted_pull_requests
-- Of pull requests that were read again: what GitHub counts more than it lists.
update github.pull_requests p
set
  reviews_unlisted = greatest(0, given.reviews - (
    select count(*) from github.reviews r where r.pull_request_id = p.id and r.deleted_at is null
  )),
  comments_unlisted = greatest(0, given.comments - (
    select count(*) from github.comments c
    where c.pull_request_id = p.id and c.kind = 'issue' and c.deleted_at is null
  ))
from unnest(%(numbers)s::integer[], %(reviews)s::integer[], %(comments)s::integer[]) as given (number, reviews, comments)
where p.repository_id = %(repository_id)s and p.number = given.number

-- name: keep_unlisted_discussions
update github.discussions d
set comments_unlisted = greatest(0, given.comments - (
  select count(*) from github.discussion_comments c
  where c.discussion_id = d.id and c.parent_id is null and c.deleted_at is null
))
from unnest(%(numbers)s::integer[], %(comments)s::integer[]) as given (number, comments)
where d.repository_id = %(repository_id)s and d.number = given.number
