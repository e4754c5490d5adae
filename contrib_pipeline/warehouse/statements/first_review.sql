-- name: refresh
-- Says of these pull requests anew when each got its first review.
select github.refresh_first_reviews(%(pull_request_ids)s::bigint[]) as changed
