-- Whether a run's process lives: whoever works for a run holds a shared lock named after it.

-- name: hold
select pg_advisory_lock_shared(hashtextextended('contrib-pipeline run ' || %(run_id)s, 0));

-- name: release
select pg_advisory_unlock_shared(hashtextextended('contrib-pipeline run ' || %(run_id)s, 0));

-- name: holders
-- The names of the connections that hold it; the key of a lock is shown as its upper and its lower half.
select coalesce(a.application_name, '') as name
from pg_locks l
left join pg_stat_activity a using (pid)
where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
  and l.database = (select oid from pg_database where datname = current_database())
  and (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended('contrib-pipeline run ' || %(run_id)s, 0);
