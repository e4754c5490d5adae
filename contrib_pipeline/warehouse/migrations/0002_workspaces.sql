-- Workspaces: named groups of repositories, the unit that metrics are made for.

create schema workspaces;
comment on schema workspaces is 'Named groups of repositories.';

create table workspaces.workspaces (
  id uuid primary key default gen_random_uuid(),
  slug text not null unique,
  name text not null,
  is_active boolean not null default true,
  created_at timestamptz not null default now()
);
comment on table workspaces.workspaces is 'Workspaces: named groups of repositories, for which metrics are computed.';
comment on column workspaces.workspaces.id is 'The application''s uuid, or our own: stays through renames.';
comment on column workspaces.workspaces.slug is 'The name in lower case, as used in commands.';
comment on column workspaces.workspaces.name is 'The name as given.';
comment on column workspaces.workspaces.is_active is 'Metrics are computed for it.';
comment on column workspaces.workspaces.created_at is 'When it was created here.';

create table workspaces.repositories (
  workspace_id uuid not null references workspaces.workspaces (id) on delete cascade,
  repository_id bigint not null,
  added_at timestamptz not null default now(),
  is_pinned boolean not null default false,
  primary key (workspace_id, repository_id)
);
comment on table workspaces.repositories is 'Which repositories a workspace has today; its numbers, for any day, are over these.';
comment on column workspaces.repositories.workspace_id is 'The workspace: workspaces.workspaces.id.';
comment on column workspaces.repositories.repository_id is 'The repository: github.repositories.id.';
comment on column workspaces.repositories.added_at is 'When it was added.';
comment on column workspaces.repositories.is_pinned is 'Shown first by applications.';
create index workspace_repositories_repository on workspaces.repositories (repository_id);
