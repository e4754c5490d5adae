-- name: upsert
-- One page of one table in one statement. Rows that are already so are neither written nor locked; a reading older
-- than what is stored changes nothing; keys come in order, so that two writers can't wait for each other.
with given as (
  select distinct on ({key}) {columns}
  from jsonb_to_recordset(%(rows)s::jsonb) as row_of({typed_columns})
  order by {key}{newest_first}
),
differing as (
  select {given_row}
  from given
  left join {table} as stored on {same_key}
  where stored.{first_key} is null
    or ({stored_is_not_newer_than_given} and ({stored_compared}) is distinct from ({given_compared}))
),
written as (
  insert into {table} as stored ({columns})
  select {columns} from differing order by {key}
  on conflict ({key}) do update set {assignments}
  where {stored_is_not_newer_than_excluded} and ({stored_compared}) is distinct from ({excluded_compared})
  returning (xmax = 0) as is_new
)
select
  (select count(*) from given) as captured,
  count(*) filter (where is_new) as inserted,
  count(*) filter (where not is_new) as updated
from written
