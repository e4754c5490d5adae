"""The inbox plotted over time, as observations of the asset ``events/inbox``: depth, age, throughput, and when it ends.

With them goes what is left of GitHub's budget, since that is what a queue waits for.

A sensor reports them, so that no run is needed; who hands events to runs is ``sensors``. The same numbers of this very
moment are the receiver's, at ``/metrics``.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from contrib_pipeline.defs.assets.events import inbox as inbox_asset
from contrib_pipeline.defs.resources import Pipeline
from contrib_pipeline.events import inbox
from contrib_pipeline.events.forecast import read_forecast
from contrib_pipeline.warehouse.budget import budget_state
from contrib_pipeline.warehouse.connection import Connection

# An observation costs 20 ms and 2 kB of Dagster's event log, which nothing prunes.
_EVERY = timedelta(minutes=5)


@dg.sensor(
    name="inbox_depth",
    minimum_interval_seconds=int(_EVERY.total_seconds()),
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Observes how many events wait, for how long, how many came and how many ended since the last look.",
)
def observe_inbox(context: dg.SensorEvaluationContext, pipeline: Pipeline) -> dg.SensorResult | dg.SkipReason:
    """One look at ``events.inbox``; the cursor is when the last one was and, if the inbox was at rest, how."""
    now = datetime.now(UTC)
    last, _, rest = (context.cursor or "").partition(" ")
    with pipeline.warehouse() as connection:
        seen = figures(connection, datetime.fromisoformat(last) if last else now - _EVERY, now)
        budget = budget_metadata(budget_state(connection))
    cursor = f"{now.isoformat()} {resting(seen)}"
    if rest and rest == resting(seen):
        return dg.SensorResult(skip_reason="Nothing came, nothing ended, nothing waits.", cursor=cursor)
    return dg.SensorResult(asset_events=[dg.AssetObservation(inbox_asset.key, metadata=seen | budget)], cursor=cursor)


def figures(connection: Connection, after: datetime, until: datetime) -> dict[str, Any]:
    """What is observed, by name: events as counts, throughput as events a minute between the two instants."""
    depth, activity = inbox.depth(connection), inbox.activity(connection, after, until)
    minutes = (until - after) / timedelta(minutes=1)
    foreseen = read_forecast(connection, until)
    seconds = foreseen.seconds(until)
    return {
        "queue": str(foreseen),
        **({} if seconds is None else {"minutes_until_through": round(seconds / 60, 1)}),
        "due": depth["due"],
        "later": depth["later"],
        "oldest_seconds": round(depth["oldest_seconds"], 1),
        "received": activity["received"],
        "received_per_minute": round(activity["received"] / minutes, 2),
        "ended": activity["ended"],
        "ended_per_minute": round(activity["ended"] / minutes, 2),
        "failed": activity["failed"],
        "quarantined": activity["quarantined"],
    }


def budget_metadata(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What is left of each credential and resource as a table, and the points left of all credentials as a number."""
    known = [row["points_left"] for row in rows if row["resource"] == "graphql" and row["points_left"] is not None]
    records = [dg.TableRecord({name: _shown(value) for name, value in row.items()}) for row in rows]
    metadata: dict[str, Any] = {"budget": dg.MetadataValue.table(records)} if records else {}
    return metadata | ({"points_left": sum(known)} if known else {})


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:%Y-%m-%d %H:%M:%S} UTC" if isinstance(value, datetime) else str(value)


def resting(seen: dict[str, Any]) -> str:
    """A name for a state in which nothing moves or is due, else empty; the same state twice is observed once."""
    if seen["due"] or seen["received"] or seen["ended"]:
        return ""
    return "/".join(f"{name}={seen[name]}" for name in ("later", "failed", "quarantined"))
