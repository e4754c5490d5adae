"""Webhooks that GitHub could not deliver, asked for again where a GitHub App receives them.

They come to the event receiver like any others, and a delivery that had arrived is not repeated. Without an App the
watch over moved repositories finds the same changes, later.
"""

from datetime import UTC, datetime, timedelta

import dagster as dg

from contrib_pipeline.defs.resources import Pipeline, github_app
from contrib_pipeline.github.deliveries import redeliver_failed
from contrib_pipeline.github.errors import GitHubError
from contrib_pipeline.warehouse.budget import BudgetWait

_WINDOW = timedelta(days=1)


@dg.sensor(
    minimum_interval_seconds=3600,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks GitHub for the App's webhook deliveries of the last day that failed, and for those again.",
)
def failed_deliveries(context: dg.SensorEvaluationContext, pipeline: Pipeline) -> dg.SkipReason:
    """One look at the App's deliveries; what comes of it are events, not runs."""
    settings = pipeline.settings
    if settings.github_app_id is None or settings.github_app_key is None:
        return dg.SkipReason("No GitHub App receives webhooks here.")
    if not settings.github_webhook_secrets:
        return dg.SkipReason("GITHUB_WEBHOOK_SECRET is not set: a delivery would be refused again.")
    with pipeline.warehouse() as points:
        app = github_app(settings, points)
        assert app is not None
        try:
            found = redeliver_failed(app, datetime.now(UTC) - _WINDOW)
        except BudgetWait as wait:
            return dg.SkipReason(f"Put off to the next look, in an hour: {wait}")
        except GitHubError as error:
            return dg.SkipReason(f"GitHub could not be asked: {error}")
    if not found.is_whole:
        context.log.warning("More than 5,000 deliveries in a day: older ones were not looked at.")
    return dg.SkipReason(f"{len(found.guids)} deliveries were asked for again, {found.given_up} failed three times.")
