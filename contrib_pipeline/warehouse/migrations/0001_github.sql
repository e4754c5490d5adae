-- GitHub's side of the warehouse: what the API showed, by GitHub's own ids, and the ledger of how we read it.
-- Why no foreign keys between the tables: pages of one repository are written by several processes in any
-- order; a check over all rows (asset check "no orphan rows") proves more than a constraint that would lock.

create schema github;
comment on schema github is 'The contribution history of GitHub repositories, as GitHub last showed it.';

create table github.host (
  only_row boolean primary key default true check (only_row),
  host text not null,
  recorded_at timestamptz not null default now()
);
comment on table github.host is 'The one GitHub host that this database belongs to; written at the first capture.';
comment on column github.host.only_row is 'Always true: there is one row.';
comment on column github.host.host is 'The host of GITHUB_API_URL; localhost for the sandbox, whatever its port.';
comment on column github.host.recorded_at is 'When the first capture began.';

create table github.repositories (
  id bigint primary key,
  node_id text not null,
  owner text not null,
  name text not null,
  name_with_owner text not null,
  description text,
  is_private boolean not null default false,
  is_archived boolean not null default false,
  is_fork boolean not null default false,
  is_tracked boolean not null default false,
  stars bigint,
  forks bigint,
  primary_language text,
  has_discussions boolean not null default false,
  pull_requests_total integer,
  discussions_total integer,
  size text check (size in ('small', 'medium', 'large')),
  priority text not null default 'medium' check (priority in ('high', 'medium', 'low')),
  history_complete boolean not null default false,
  terminal_reason text check (terminal_reason in ('gone', 'private', 'blocked')),
  created_at timestamptz,
  pushed_at timestamptz,
  updated_at timestamptz,
  read_at timestamptz not null,
  probed_at timestamptz,
  active_at timestamptz,
  deleted_at timestamptz
);
comment on table github.repositories is 'Repositories, tracked or once tracked: metadata, size, how often each is polled, and how far its capture is.';
comment on column github.repositories.id is 'GitHub''s numeric id: stays through renames and transfers.';
comment on column github.repositories.node_id is 'GitHub''s GraphQL id.';
comment on column github.repositories.owner is 'Login of the owning user or organization.';
comment on column github.repositories.name is 'Name without the owner.';
comment on column github.repositories.name_with_owner is 'owner/name in GitHub''s spelling; the partition key in Dagster.';
comment on column github.repositories.description is 'The line under the name on GitHub.';
comment on column github.repositories.is_private is 'Visible only to its members.';
comment on column github.repositories.is_archived is 'Read-only on GitHub.';
comment on column github.repositories.is_fork is 'A fork of another repository.';
comment on column github.repositories.is_tracked is 'Captured by this pipeline.';
comment on column github.repositories.stars is 'Stargazers.';
comment on column github.repositories.forks is 'Forks.';
comment on column github.repositories.primary_language is 'Language of most of its code, by GitHub''s count.';
comment on column github.repositories.has_discussions is 'Discussions are switched on.';
comment on column github.repositories.pull_requests_total is 'GitHub''s totalCount of pull requests when last read.';
comment on column github.repositories.discussions_total is 'GitHub''s totalCount of discussions when last read.';
comment on column github.repositories.size is 'small: under 100 pull requests, medium: 100 to 500, large: more.';
comment on column github.repositories.priority is 'How often it is polled: high for members of active workspaces.';
comment on column github.repositories.history_complete is 'The walk over the whole history has reached its end.';
comment on column github.repositories.terminal_reason is 'Why it can no longer be read: gone, private or blocked; null while it can.';
comment on column github.repositories.created_at is 'When it was created on GitHub.';
comment on column github.repositories.pushed_at is 'Last push.';
comment on column github.repositories.updated_at is 'GitHub''s updatedAt.';
comment on column github.repositories.read_at is 'When the row''s values were read; an older reading never overwrites a newer.';
comment on column github.repositories.probed_at is 'When GitHub was last asked whether anything in it moved.';
comment on column github.repositories.active_at is 'The newest update of a pull request or discussion that GitHub then named.';
comment on column github.repositories.deleted_at is 'When we found that GitHub no longer knows it.';
create unique index repositories_living_name on github.repositories (lower(name_with_owner)) where deleted_at is null;
create index repositories_tracked on github.repositories (priority, id) where is_tracked;

create table github.contributors (
  id bigint primary key,
  node_id text not null,
  login text not null,
  kind text not null check (kind in ('user', 'bot', 'mannequin', 'organization')),
  is_bot boolean not null,
  name text,
  avatar_url text,
  read_at timestamptz not null default 'epoch'
);
comment on table github.contributors is 'Accounts that did something: people, bots, mannequins, organizations. Deleted accounts (ghosts) have no row.';
comment on column github.contributors.id is 'GitHub''s numeric id: stays when the login changes.';
comment on column github.contributors.node_id is 'GitHub''s GraphQL id.';
comment on column github.contributors.login is 'The account''s name, without the suffix [bot].';
comment on column github.contributors.kind is 'user, bot, mannequin (an imported placeholder) or organization.';
comment on column github.contributors.is_bot is 'Kind bot, or a login that matches BOT_LOGINS.';
comment on column github.contributors.name is 'Display name, where GitHub gives one.';
comment on column github.contributors.avatar_url is 'Address of the picture.';
comment on column github.contributors.read_at is 'When these values were read; an older reading never overwrites a newer.';
create index contributors_login on github.contributors (lower(login));

create table github.pull_requests (
  id bigint primary key,
  node_id text not null,
  repository_id bigint not null,
  number integer not null,
  title text not null,
  body text,
  state text not null check (state in ('open', 'closed', 'merged')),
  draft boolean not null,
  author_id bigint,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  closed_at timestamptz,
  merged_at timestamptz,
  merged_by_id bigint,
  ready_at timestamptz,
  first_review_at timestamptz,
  additions integer,
  deletions integer,
  changed_files integer,
  commits integer,
  labels text[],
  base_ref text,
  head_ref text,
  review_decision text,
  url text not null,
  read_at timestamptz not null default 'epoch',
  reviews_total integer,
  comments_total integer,
  totals_read_at timestamptz,
  reviews_unlisted integer not null default 0,
  comments_unlisted integer not null default 0,
  deleted_at timestamptz,
  unique (repository_id, number)
);
comment on table github.pull_requests is 'Pull requests, whole: every one that GitHub has, as it last showed it. Captured newest first, then whatever changed since the watermark; a history walk fills in the rest.';
comment on column github.pull_requests.id is 'GitHub''s numeric id (fullDatabaseId).';
comment on column github.pull_requests.node_id is 'GitHub''s GraphQL id.';
comment on column github.pull_requests.repository_id is 'The repository: github.repositories.id.';
comment on column github.pull_requests.number is 'The number behind the # on GitHub.';
comment on column github.pull_requests.title is 'Title.';
comment on column github.pull_requests.body is 'Description in Markdown.';
comment on column github.pull_requests.state is 'open, closed (unmerged) or merged.';
comment on column github.pull_requests.draft is 'Still a draft.';
comment on column github.pull_requests.author_id is 'Who opened it: github.contributors.id; null for a deleted account.';
comment on column github.pull_requests.created_at is 'Opened.';
comment on column github.pull_requests.updated_at is 'GitHub''s updatedAt.';
comment on column github.pull_requests.closed_at is 'Closed or merged; null while open.';
comment on column github.pull_requests.merged_at is 'Merged; null if it was not.';
comment on column github.pull_requests.merged_by_id is 'Who merged it: github.contributors.id.';
comment on column github.pull_requests.ready_at is 'First marked as ready for review; null if it never was a draft.';
comment on column github.pull_requests.first_review_at is 'First review by a person other than the author.';
comment on column github.pull_requests.additions is 'Lines added.';
comment on column github.pull_requests.deletions is 'Lines deleted.';
comment on column github.pull_requests.changed_files is 'Files changed.';
comment on column github.pull_requests.commits is 'Commits.';
comment on column github.pull_requests.labels is 'Names of its labels.';
comment on column github.pull_requests.base_ref is 'Branch it goes into.';
comment on column github.pull_requests.head_ref is 'Branch it comes from.';
comment on column github.pull_requests.review_decision is 'APPROVED, CHANGES_REQUESTED or REVIEW_REQUIRED; null where no rule asks for reviews.';
comment on column github.pull_requests.url is 'Its page on GitHub.';
comment on column github.pull_requests.read_at is 'When the reading was made that last changed it, or found that something of it had vanished; a reading made earlier changes nothing any more.';
comment on column github.pull_requests.reviews_total is 'GitHub''s number of submitted reviews when last verified; null if never.';
comment on column github.pull_requests.comments_total is 'GitHub''s number of comments in the conversation when last verified; null if never.';
comment on column github.pull_requests.totals_read_at is 'When the two numbers were read.';
comment on column github.pull_requests.reviews_unlisted is 'How many reviews GitHub counted and did not list when last verified, as those of accounts that it hides.';
comment on column github.pull_requests.comments_unlisted is 'The same of comments in the conversation.';
comment on column github.pull_requests.deleted_at is 'When a full read no longer found it.';
-- One index per way in which a day or a window asks for living rows, with all that it asks of them: half a year is read
-- from the indexes alone.
create index pull_requests_created on github.pull_requests (created_at)
  include (repository_id, author_id) where deleted_at is null;
create index pull_requests_merged on github.pull_requests (merged_at)
  include (repository_id, author_id, created_at, additions, deletions) where merged_at is not null and deleted_at is null;
create index pull_requests_closed on github.pull_requests (closed_at)
  include (repository_id, author_id) where closed_at is not null and merged_at is null and deleted_at is null;
create index pull_requests_first_review on github.pull_requests (first_review_at)
  include (repository_id, author_id, created_at, ready_at) where first_review_at is not null and deleted_at is null;
-- Whose pull request a review is about.
create index pull_requests_author on github.pull_requests (id) include (author_id) where deleted_at is null;
create index pull_requests_repository on github.pull_requests (repository_id, created_at);
create index pull_requests_open on github.pull_requests (repository_id) where closed_at is null;

create table github.reviews (
  id bigint primary key,
  node_id text not null,
  pull_request_id bigint not null,
  repository_id bigint not null,
  author_id bigint,
  state text not null check (state in ('APPROVED', 'CHANGES_REQUESTED', 'COMMENTED', 'DISMISSED')),
  body text,
  submitted_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz
);
comment on table github.reviews is 'Submitted reviews of pull requests, with the state that they have now. Pending ones, which only their writer sees, are not stored.';
comment on column github.reviews.id is 'GitHub''s numeric id (fullDatabaseId).';
comment on column github.reviews.node_id is 'GitHub''s GraphQL id.';
comment on column github.reviews.pull_request_id is 'The pull request: github.pull_requests.id.';
comment on column github.reviews.repository_id is 'The repository: github.repositories.id.';
comment on column github.reviews.author_id is 'The reviewer: github.contributors.id; null for a deleted account.';
comment on column github.reviews.state is 'APPROVED, CHANGES_REQUESTED, COMMENTED or DISMISSED, as it stands now.';
comment on column github.reviews.body is 'Summary in Markdown.';
comment on column github.reviews.submitted_at is 'Submitted.';
comment on column github.reviews.updated_at is 'GitHub''s updatedAt.';
comment on column github.reviews.deleted_at is 'When a full read no longer found it.';
create index reviews_submitted on github.reviews (submitted_at)
  include (repository_id, author_id, pull_request_id, state) where deleted_at is null;
create index reviews_pull_request on github.reviews (pull_request_id);
create index reviews_repository on github.reviews (repository_id, submitted_at);

create function github.refresh_first_reviews(pull_request_ids bigint[]) returns bigint language sql as $$
  with changed as (
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
      where pull_requests.id = any(pull_request_ids)
      group by pull_requests.id
    ) as found
    where pull_requests.id = found.id and pull_requests.first_review_at is distinct from found.first_review_at
    returning 1
  )
  select count(*) from changed
$$;
comment on function github.refresh_first_reviews(bigint[]) is 'Writes when each of these pull requests got its first review by a person other than the author, null while it has none; how many rows said something else.';

create table github.comments (
  kind text not null check (kind in ('issue', 'review')),
  id bigint not null,
  node_id text not null,
  pull_request_id bigint not null,
  review_id bigint,
  repository_id bigint not null,
  author_id bigint,
  body text,
  path text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  primary key (kind, id)
);
comment on table github.comments is 'Comments on pull requests: in the conversation (kind issue) and on lines of code (kind review).';
comment on column github.comments.kind is 'issue: in the conversation; review: on a line or a file.';
comment on column github.comments.id is 'GitHub''s numeric id (fullDatabaseId), unique within its kind.';
comment on column github.comments.node_id is 'GitHub''s GraphQL id.';
comment on column github.comments.pull_request_id is 'The pull request: github.pull_requests.id.';
comment on column github.comments.review_id is 'The review it belongs to (kind review): github.reviews.id.';
comment on column github.comments.repository_id is 'The repository: github.repositories.id.';
comment on column github.comments.author_id is 'The writer: github.contributors.id; null for a deleted account.';
comment on column github.comments.body is 'Text in Markdown.';
comment on column github.comments.path is 'File commented on (kind review).';
comment on column github.comments.created_at is 'Written.';
comment on column github.comments.updated_at is 'GitHub''s updatedAt.';
comment on column github.comments.deleted_at is 'When a full read no longer found it.';
create index comments_created on github.comments (created_at)
  include (kind, repository_id, author_id) where deleted_at is null;
create index comments_pull_request on github.comments (pull_request_id);
create index comments_repository on github.comments (repository_id, created_at);

create table github.discussions (
  id bigint primary key,
  node_id text not null,
  repository_id bigint not null,
  number integer not null,
  title text not null,
  body text,
  category text,
  author_id bigint,
  is_answered boolean,
  answer_id bigint,
  answer_chosen_at timestamptz,
  answer_chosen_by_id bigint,
  upvotes integer,
  comments_total integer,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  closed_at timestamptz,
  url text,
  read_at timestamptz not null default 'epoch',
  comments_unlisted integer not null default 0,
  deleted_at timestamptz,
  unique (repository_id, number)
);
comment on table github.discussions is 'Discussions, with category, upvotes and the chosen answer.';
comment on column github.discussions.id is 'GitHub''s numeric id.';
comment on column github.discussions.node_id is 'GitHub''s GraphQL id.';
comment on column github.discussions.repository_id is 'The repository: github.repositories.id.';
comment on column github.discussions.number is 'The number behind the # on GitHub.';
comment on column github.discussions.title is 'Title.';
comment on column github.discussions.body is 'Text in Markdown.';
comment on column github.discussions.category is 'Name of its category.';
comment on column github.discussions.author_id is 'Who opened it: github.contributors.id; null for a deleted account.';
comment on column github.discussions.is_answered is 'An answer is chosen; null where the category takes none.';
comment on column github.discussions.answer_id is 'The chosen answer: github.discussion_comments.id.';
comment on column github.discussions.answer_chosen_at is 'When the answer was chosen.';
comment on column github.discussions.answer_chosen_by_id is 'Who chose it: github.contributors.id.';
comment on column github.discussions.upvotes is 'Upvotes.';
comment on column github.discussions.comments_total is 'GitHub''s totalCount of top-level comments.';
comment on column github.discussions.created_at is 'Opened.';
comment on column github.discussions.updated_at is 'GitHub''s updatedAt.';
comment on column github.discussions.closed_at is 'Closed; null while open.';
comment on column github.discussions.url is 'Its page on GitHub.';
comment on column github.discussions.read_at is 'When the reading was made that last changed it, or found that something of it had vanished; a reading made earlier changes nothing any more.';
comment on column github.discussions.comments_unlisted is 'How many comments GitHub counted and did not list when last verified, as those of accounts that it hides.';
comment on column github.discussions.deleted_at is 'When a full read no longer found it.';
create index discussions_created on github.discussions (created_at)
  include (repository_id, author_id) where deleted_at is null;
create index discussions_answered on github.discussions (answer_chosen_at)
  include (repository_id, answer_chosen_by_id) where answer_chosen_at is not null and deleted_at is null;

create table github.discussion_comments (
  id bigint primary key,
  node_id text not null,
  discussion_id bigint not null,
  repository_id bigint not null,
  parent_id bigint,
  author_id bigint,
  body text,
  is_answer boolean not null,
  upvotes integer,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz
);
comment on table github.discussion_comments is 'Comments in discussions, and replies to them.';
comment on column github.discussion_comments.id is 'GitHub''s numeric id.';
comment on column github.discussion_comments.node_id is 'GitHub''s GraphQL id.';
comment on column github.discussion_comments.discussion_id is 'The discussion: github.discussions.id.';
comment on column github.discussion_comments.repository_id is 'The repository: github.repositories.id.';
comment on column github.discussion_comments.parent_id is 'The comment it replies to; null for a top-level comment.';
comment on column github.discussion_comments.author_id is 'The writer: github.contributors.id; null for a deleted account.';
comment on column github.discussion_comments.body is 'Text in Markdown.';
comment on column github.discussion_comments.is_answer is 'Chosen as the answer.';
comment on column github.discussion_comments.upvotes is 'Upvotes.';
comment on column github.discussion_comments.created_at is 'Written.';
comment on column github.discussion_comments.updated_at is 'GitHub''s updatedAt.';
comment on column github.discussion_comments.deleted_at is 'When a full read no longer found it.';
create index discussion_comments_created on github.discussion_comments (created_at)
  include (repository_id, author_id) where deleted_at is null;
create index discussion_comments_discussion on github.discussion_comments (discussion_id);

create table github.captures (
  id bigint generated always as identity primary key,
  repository_id bigint not null,
  kind text not null,
  started_at timestamptz not null,
  finished_at timestamptz,
  run_id text,
  requests integer not null default 0,
  points integer not null default 0,
  rows_captured integer not null default 0,
  rows_changed integer not null default 0,
  github_total integer,
  stored_total integer,
  unlisted integer,
  is_complete boolean,
  error text
);
comment on table github.captures is 'The ledger: one row per capture of one repository, with what it cost and what it proved.';
comment on column github.captures.id is 'In the order in which captures began.';
comment on column github.captures.repository_id is 'The repository: github.repositories.id.';
comment on column github.captures.kind is 'newest, changed, recent, history, one or verify; of discussions: discussions, or discussions and that word.';
comment on column github.captures.started_at is 'First request.';
comment on column github.captures.finished_at is 'Last transaction; null while it runs, or when its process was killed.';
comment on column github.captures.run_id is 'The Dagster run.';
comment on column github.captures.requests is 'Requests sent to GitHub.';
comment on column github.captures.points is 'Points of the GraphQL rate limit spent.';
comment on column github.captures.rows_captured is 'Rows read from GitHub.';
comment on column github.captures.rows_changed is 'Rows inserted or changed by them.';
comment on column github.captures.github_total is 'GitHub''s totalCount at the end.';
comment on column github.captures.stored_total is 'Living rows in our table at the end.';
comment on column github.captures.unlisted is 'How many GitHub counted and listed nowhere, as those of accounts that it hides; null where not all were listed.';
comment on column github.captures.is_complete is 'The capture read all it set out to read.';
comment on column github.captures.error is 'Why it did not, in one line.';
create index captures_repository on github.captures (repository_id, started_at desc);
create index captures_finished on github.captures (finished_at);
create index captures_unlisted on github.captures (repository_id, finished_at desc) where unlisted is not null;

create function github.unlisted(in_repository bigint, of_discussions boolean) returns integer
language sql stable as $$
  select coalesce((
    select unlisted from github.captures
    where repository_id = in_repository and unlisted is not null and (kind like 'discussions%') = of_discussions
    order by finished_at desc
    limit 1
  ), 0)
$$;
comment on function github.unlisted is 'How many pull requests, or discussions, of a repository GitHub counts and lists nowhere, when all were last listed.';

create table github.capture_state (
  repository_id bigint not null,
  kind text not null,
  cursor text,
  watermark timestamptz,
  verified_at timestamptz,
  page_size integer,
  primary key (repository_id, kind)
);
comment on table github.capture_state is 'Where the next capture of a repository goes on.';
comment on column github.capture_state.repository_id is 'The repository: github.repositories.id.';
comment on column github.capture_state.kind is 'pull_requests or discussions: what changed since the watermark; …_history: the walk over everything.';
comment on column github.capture_state.cursor is 'GitHub''s cursor of the page after the last one stored; null when no walk is under way.';
comment on column github.capture_state.watermark is 'Everything that GitHub updated up to here is stored.';
comment on column github.capture_state.verified_at is 'When we last knew that nothing newer exists: captured, or probed unchanged.';
comment on column github.capture_state.page_size is 'Page size that GitHub answered in time.';

create table github.budgets (
  credential text not null,
  resource text not null check (resource in ('graphql', 'core')),
  points_limit integer,
  points_left integer,
  reset_at timestamptz,
  paused_until timestamptz,
  floor_share double precision not null default 0,
  primary key (credential, resource)
);
comment on table github.budgets is 'What GitHub''s rate limits leave, one row per credential and resource, shared by all processes.';
comment on column github.budgets.credential is 'Digest of the credential; the credential itself is never stored.';
comment on column github.budgets.resource is 'What GitHub counts apart: graphql, in points, and core (REST), in requests.';
comment on column github.budgets.points_limit is 'Points, or requests, an hour.';
comment on column github.budgets.points_left is 'Points, or requests, left until reset_at, by GitHub''s last answer.';
comment on column github.budgets.reset_at is 'When they are full again.';
comment on column github.budgets.paused_until is 'GitHub asked for a pause until then.';
comment on column github.budgets.floor_share is 'Share of points_limit that is left for other users of the credential.';

-- Of sessions of other users Postgres does not tell the start: their pid has to do.
create function github.session_lives(session_pid integer, session_started_at timestamptz) returns boolean
language sql stable as $$
  select exists (
    select from pg_stat_activity
    where pid = session_pid and coalesce(backend_start, session_started_at) = session_started_at
  )
$$;

create table github.budget_reservations (
  id bigint generated always as identity primary key,
  credential text not null,
  resource text not null,
  points integer not null,
  session_pid integer not null default pg_backend_pid(),
  session_started_at timestamptz not null,
  expires_at timestamptz not null,
  foreign key (credential, resource) references github.budgets on delete cascade
);
comment on table github.budget_reservations is 'Requests under way: their cost is reserved until the answer is there.';
comment on column github.budget_reservations.id is 'Number of the reservation.';
comment on column github.budget_reservations.credential is 'Whose budget: github.budgets.credential.';
comment on column github.budget_reservations.resource is 'graphql or core, as in github.budgets.';
comment on column github.budget_reservations.points is 'Cost by GitHub''s documented rule; of a REST request 1.';
comment on column github.budget_reservations.session_pid is 'The session that made it: it ends with its process.';
comment on column github.budget_reservations.session_started_at is 'Pids are used again; a session has one start.';
comment on column github.budget_reservations.expires_at is 'After that its process is taken for dead, whatever its session says.';
create index budget_reservations_credential on github.budget_reservations (credential);
