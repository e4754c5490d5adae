-- name: day
-- The workspaces in which most happened on a day, and how many there are.
select workspace_daily.*, slug as workspace, count(*) over () as workspaces
from metrics.workspace_daily
join workspaces.workspaces on id = workspace_id
where day = %(day)s
order by
  pull_requests_opened + pull_requests_merged + reviews + comments + review_comments + discussions_opened
  + discussion_comments desc, slug
limit %(most)s
