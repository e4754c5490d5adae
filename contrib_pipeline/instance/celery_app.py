"""Celery's application, shared by the launcher that sends runs and the workers that execute them: one task.

A worker executes a run in a process of its pool, which has imported our definitions before it was forked. Whether a run
lives is told by Postgres (``liveness``), so Celery stores no results. Celery is imported where it is used: it is an
extra of the package.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from contrib_pipeline.settings import SettingsError, read_settings

if TYPE_CHECKING:
    from celery import Celery

TASK = "contrib_pipeline.run"
_QUEUE = "contrib-pipeline"
_CONNECT_SECONDS = 5.0
# A run leaves some memory behind; a process of the pool is forked anew in milliseconds.
_RUNS_PER_PROCESS = 50


class BrokerUnreachable(Exception):
    """Celery's broker does not answer."""


def celery_app() -> "Celery":
    """The application, on the broker of the settings. Raises :class:`SettingsError` where Celery is not installed."""
    try:
        from celery import Celery
    except ModuleNotFoundError:
        raise SettingsError("CELERY_BROKER_URL needs Celery: pip install 'contrib-pipeline[celery]'.") from None
    url = read_settings().celery_broker_url
    if url is None:
        raise SettingsError("CELERY_BROKER_URL is not set: set it to the broker's address, redis://HOST:6379/0.")
    app = Celery("contrib_pipeline", broker=url.get_secret_value(), set_as_current=False)
    app.conf.update(
        task_default_queue=_QUEUE,
        task_ignore_result=True,
        worker_prefetch_multiplier=1,  # a run that waits goes to whoever is free first
        worker_max_tasks_per_child=_RUNS_PER_PROCESS,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=_CONNECT_SECONDS,
        task_publish_retry_policy={"max_retries": 3, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.5},
    )
    app.task(name=TASK)(_execute)
    return app


def broker(app: "Celery") -> str:
    """The broker's address without its password."""
    return str(app.connection_for_write().as_uri()).rstrip("/")


@contextmanager
def unreachable(app: "Celery") -> Iterator[None]:
    """Raises :class:`BrokerUnreachable` for what the broker's client raises inside."""
    from kombu.exceptions import OperationalError

    try:
        yield
    except (OperationalError, *app.connection_for_write().connection_errors) as error:
        raise BrokerUnreachable(
            f"Celery's broker {broker(app)} does not answer: start it, or correct CELERY_BROKER_URL ({error})."
        ) from error


def _execute(run_id: str, arguments: str) -> None:
    """Execute a run in this process of a worker's pool; how it ended is in Dagster's own tables."""
    from contrib_pipeline.instance import run_process

    run_process.execute(run_id, arguments)
