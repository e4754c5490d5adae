"""Runs in the command's own process: visible in the UI like any other, here with a progress bar and a result."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contrib_pipeline.capture.progress import Progress

if TYPE_CHECKING:
    import dagster as dg

_INTERRUPTED = "DagsterExecutionInterruptedError"


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    run_id: str
    error: str | None


def run_here(
    instance: "dg.DagsterInstance",
    job: str,
    config: Mapping[str, Any],
    *,
    tags: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Ended:
    """Execute ``job`` in this process; ``config`` by op. The run's failure is in the answer, not raised."""
    from contrib_pipeline import definitions
    from contrib_pipeline.defs.claims import FROM_COMMAND_LINE

    result = (
        definitions.build(progress)
        .resolve_job_def(job)
        .execute_in_process(
            instance=instance,
            run_config={
                "ops": {op: {"config": values} for op, values in config.items()},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
            tags={FROM_COMMAND_LINE: job, "contrib/reason": "manual", **(tags or {})},
            raise_on_error=False,
        )
    )
    return Ended(result.run_id, None if result.success else _why(result))


def _why(result: "dg.ExecuteInProcessResult") -> str:
    """The message of what failed, without Dagster's words around it."""
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                return data.user_failure_data.description
            if data.error:
                innermost = data.error
                while innermost.cause:
                    innermost = innermost.cause
                if innermost.cls_name == _INTERRUPTED:
                    return "Interrupted: what was stored until then stays, and the same command goes on from there."
                return innermost.message.strip().partition(": ")[2] or innermost.message.strip()
    return "The run failed; its log is in the UI."
