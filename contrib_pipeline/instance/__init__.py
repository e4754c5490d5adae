"""What dagster.yaml names: how runs start, where their output goes, how Dagster's storage connects.

The run launcher (``chosen_launcher``) has a run forked from a process that has imported everything (``warm_launcher``,
``fork_server``), or executed by a Celery worker (``celery_launcher``, ``celery_app``). While a run lives it holds a
lock in Postgres (``liveness``). Why: docs/decisions/0001-warm-runs.md and 0004-celery.md. What runs do is ``defs``'
business.

This package alone may use names that Dagster does not export; a minor version of Dagster may move them, so its
version is bounded in pyproject.toml and a test starts a real run through all of them:

- ``dagster._core.launcher``: RunLauncher, LaunchRunContext, CheckRunHealthResult, WorkerStatus, the documented
  extension point, under its only address;
- ``dagster._core.run_coordinator``: SubmitRunContext, its neighbour;
- ``dagster._core.instance.ref``: InstanceRef, how a run's process gets at the instance;
- ``dagster._serdes``: ConfigurableClass, ConfigurableClassData, what dagster.yaml can name;
- ``dagster._grpc.types``: ExecuteRunArgs, the argument of ``dagster api execute_run``;
- ``dagster._cli.api``: execute_run_command, that command, for a process that has imported it already;
- ``dagster._core.storage.local_compute_log_manager``: LocalComputeLogManager, and CapturedLogContext of
  ``dagster._core.storage.compute_log_manager``, which it has to yield;
- ``dagster_postgres.utils``: pg_url_from_config; and ``optimize_for_webserver`` of the storages.
"""
