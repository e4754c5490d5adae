-- name: person
-- Accounts are mostly active near "their" repositories, as people are; a tenth of all deeds goes anywhere.
1 + (
  (
    repository_id * 5 + floor(30 * power(random(), 2))::int
    + case when random() < 0.1 then (random() * {contributors})::int else 0 end
  ) % {contributors}
)

-- name: world
insert into github.contributors (id, node_id, login, kind, is_bot)
select i, 'U_' || i, 'c' || i, case when i % 50 = 0 then 'bot' else 'user' end, i % 50 = 0
from generate_series(1, {contributors}) as i;
insert into github.repositories
  (id, node_id, owner, name, name_with_owner, is_tracked, history_complete, has_discussions, read_at)
select i, 'R_' || i, 'o' || i % 100, 'r' || i, 'o' || i % 100 || '/r' || i, true, true, i % 4 = 0, now()
from generate_series(1, {repositories}) as i;
insert into github.capture_state (repository_id, kind, verified_at)
select i, kind, now()
from generate_series(1, {repositories}) as i, unnest(array['pull_requests', 'discussions']) as kind;
insert into workspaces.workspaces (slug, name)
select 'w' || i, 'w' || i from generate_series(1, {workspaces}) as i;
insert into workspaces.repositories (workspace_id, repository_id)
select id, repository_id from (
  select id, row_number() over (order by slug) as place from workspaces.workspaces
) as workspace
cross join lateral (
  select distinct 1 + floor({repositories} * power(random(), 2) + place * 0)::int as repository_id
  from generate_series(1, case when place % 100 = 0 then 300 else 20 end)
) as member

-- name: facts
-- {pull_requests} pull requests, numbered from {first} on, opened in the {days} days that ended {until} days ago.
set session_replication_role = replica;
insert into github.pull_requests (
  id, node_id, repository_id, number, title, body, state, draft, author_id, created_at, updated_at, closed_at, merged_at,
  ready_at, first_review_at, additions, deletions, url
)
select
  id, 'PR_' || id, repository_id, id, 'Fix the thing number ' || id, repeat('lorem ipsum ', 20),
  case when fate < 0.1 then 'open' when fate < 0.25 then 'closed' else 'merged' end, false,
  case when random() > 0.01 then {person} end, opened, opened,
  case when fate >= 0.1 then opened + lasted end, case when fate >= 0.25 then opened + lasted end,
  case when random() < 0.1 then opened + lasted / 8 end, case when random() < 0.7 then opened + lasted / 4 end,
  (random() * 300)::int, (random() * 100)::int, 'https://github.com/o/r/pull/' || id
from (
  select
    id, 1 + floor({repositories} * power((id - {first})::float8 / {pull_requests}, 2))::int as repository_id,
    random() as fate, now() - ({until} + random() * {days}) * interval '1 day' as opened,
    random() * random() * interval '20 days' as lasted
  from generate_series({first}, {first} + {pull_requests} - 1) as id
) as drawn;
insert into github.reviews
  (id, node_id, pull_request_id, repository_id, author_id, state, body, submitted_at, updated_at)
select
  2 * id + n, 'PRR_' || id, id, repository_id, {person},
  (array['APPROVED', 'CHANGES_REQUESTED', 'COMMENTED', 'DISMISSED'])[1 + (random() * 3)::int], 'fine',
  coalesce(first_review_at, created_at) + n * random() * interval '3 days', created_at
from github.pull_requests, generate_series(0, 1) as n
where id >= {first};
insert into github.comments (kind, id, node_id, pull_request_id, repository_id, author_id, body, created_at, updated_at)
select
  case when n = 0 then 'review' else 'issue' end, 3 * id + n, 'IC_' || id, id, repository_id, {person},
  repeat('comment text ', 8), created_at + n * random() * interval '3 days', created_at
from github.pull_requests, generate_series(0, 2) as n
where id >= {first};
truncate metrics.first_activity;
insert into metrics.first_activity (contributor_id, repository_id, first_at)
select actor_id, repository_id, min(at) from metrics.facts where is_activity and actor_id is not null group by 1, 2;
set session_replication_role = origin;
vacuum analyze
