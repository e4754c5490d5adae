-- name: refresh
-- When each of these pull requests got its first review by a person other than the author; null while it has none.
-- Rows that already say so are not written.
update github.pull_requests
set first_review_at = found.first_review_at
from (
  select pull_requests.id, min(submitted_at) filter (where contributors.id is not null) as first_review_at
  from github.pull_requests
  left join github.reviews
    on pull_request_id = pull_requests.id and reviews.deleted_at is null
    and reviews.author_id is distinct from pull_requests.author_id
  left join github.contributors
    on contributors.id = reviews.author_id and kind in ('user', 'mannequin') and not is_bot
  where pull_requests.id = any(%(pull_request_ids)s)
  group by pull_requests.id
) as found
where pull_requests.id = found.id and pull_requests.first_review_at is distinct from found.first_review_at

-- name: reviewed_by
-- The pull requests to refresh when these contributors turn out to be bots, or not to be.
select array_agg(distinct pull_request_id) as pull_request_ids
from github.reviews
where author_id = any(%(contributor_ids)s)
