-- What an estimate of the inbox's end is made from (events/forecast.py).

-- name: pace
-- Histories, and all other events: what waits, what ended since an instant, how long some of it was due or under way
-- meanwhile (times at which several were count once), and the points that captures of the kind cost.
with seen as (
  select
    function = %(history)s as is_history,
    case function
      when %(history)s then coalesce(data ->> 'reason', '') <> 'manual'
      when %(sync)s then coalesce(data ->> 'reason', '') = any(%(background_reasons)s)
      else function = %(discussions)s and not data ?| %(one_repository)s
    end as is_background,
    state,
    not_before,
    coalesce(finished_at, %(now)s) as until
  from events.inbox
  where state in ('pending', 'running')
    or (finished_at > %(since)s and state in ('done', 'skipped', 'failed') and attempts > 0)
),
events as (
  select
    is_history,
    count(*) filter (where state = 'pending')::integer as waiting,
    count(*) filter (where state = 'pending' and is_background)::integer as in_background,
    max(not_before) filter (where state = 'pending') as last_begins_at,
    count(*) filter (where state not in ('pending', 'running'))::integer as ended,
    range_agg(tstzrange(least(greatest(not_before, %(since)s), until), until)) as busy
  from seen
  group by is_history
),
spent as (
  select kind in ('history', 'discussions history') as is_history, sum(points)::integer as points
  from github.captures
  where finished_at > %(since)s
  group by 1
)
select
  e.waiting,
  e.in_background,
  e.last_begins_at,
  e.ended,
  coalesce((select sum(upper(span) - lower(span)) from unnest(e.busy) as span), interval '0') as busy,
  coalesce(s.points, 0) as points
from events e
left join spent s using (is_history)
where e.waiting > 0
