-- name: create
insert into workspaces.workspaces (id, slug, name)
values (coalesce(%(id)s::uuid, gen_random_uuid()), %(slug)s, %(name)s)
on conflict do nothing
returning id, slug, name, is_active, created_at

-- name: rename
update workspaces.workspaces as renamed set slug = %(slug)s, name = %(name)s
where id = %(workspace_id)s
  and not exists (select from workspaces.workspaces as other where other.slug = %(slug)s and other.id <> renamed.id)
returning id, slug, name, is_active, created_at

-- name: set_active
update workspaces.workspaces set is_active = %(is_active)s
where id = %(workspace_id)s
returning id, slug, name, is_active, created_at

-- name: all
select id, slug, name, is_active, created_at from workspaces.workspaces order by slug

-- name: overview
select id, slug, name, is_active, created_at, count(repository_id) as repositories
from workspaces.workspaces
left join workspaces.repositories on workspace_id = id
group by id
order by slug

-- name: members
select
  repository_id, name_with_owner, added_at, is_pinned,
  is_tracked, history_complete, terminal_reason, priority, size
from workspaces.repositories
left join github.repositories on id = repository_id
where workspace_id = %(workspace_id)s
order by not is_pinned, lower(name_with_owner), repository_id

-- name: poll_often
-- Members of active workspaces are tracked and polled often, from the start; set_priorities keeps it so.
update github.repositories set priority = 'high', is_tracked = true
where id = any(%(repository_ids)s) and (priority, is_tracked) is distinct from ('high', true)
  and exists (select from workspaces.workspaces where workspaces.id = %(workspace_id)s and is_active)

-- name: all_members
select workspace_id, array_agg(repository_id order by repository_id) as repository_ids
from workspaces.repositories
group by workspace_id

-- name: members_named
select repository_id, name_with_owner
from workspaces.repositories
join github.repositories on id = repository_id
where workspace_id = %(workspace_id)s and lower(name_with_owner) = %(name)s
order by repository_id

-- name: add
insert into workspaces.repositories (workspace_id, repository_id)
select %(workspace_id)s, repository_id from unnest(%(repository_ids)s::bigint[]) as repository_id
group by repository_id order by repository_id
on conflict do nothing
returning repository_id

-- name: remove
delete from workspaces.repositories
where workspace_id = %(workspace_id)s and repository_id = any(%(repository_ids)s)
returning repository_id

-- name: lock_days
-- As in metrics/reopened.sql: an aggregation that began before must not declare a day final after.
select pg_advisory_xact_lock(hashtext('metrics.daily'), 0)

-- name: reopen_days
update metrics.workspace_daily set is_final = false where workspace_id = %(workspace_id)s and is_final
