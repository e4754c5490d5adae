"""A workspace with half a year of history in two repositories, computed for the day that ended last."""

from datetime import UTC, datetime, timedelta

import pytest

from contrib_pipeline.metrics.compute import compute_days
from contrib_pipeline.metrics.trends import compute_contributors, compute_trends
from contrib_pipeline.warehouse import workspaces
from contrib_pipeline.warehouse.connection import Connection

LAST_DAY = datetime.now(UTC).date() - timedelta(days=1)


@pytest.fixture
def team(connection: Connection) -> workspaces.Workspace:
    connection.execute(
        """
        insert into github.contributors (id, node_id, login, kind, is_bot)
        select id, 'U_' || id, (array['ana', 'ben', 'cleo', 'renovate'])[id], 'user', id = 4
        from generate_series(1, 4) as id;
        insert into github.repositories
          (id, node_id, owner, name, name_with_owner, is_tracked, history_complete, pull_requests_total, read_at)
        select id, 'R_' || id, 'octo', 'r' || id, 'octo/r' || id, true, true, 90, now()
        from generate_series(1, 2) as id;
        insert into github.capture_state (repository_id, kind, verified_at)
        select id, 'pull_requests', now() + interval '1 hour' from generate_series(1, 2) as id;
        insert into github.pull_requests (
          id, node_id, repository_id, number, title, state, draft, author_id, created_at, updated_at, closed_at,
          merged_at, first_review_at, url
        )
        select
          day, 'PR_' || day, 1 + day % 2, day, 'Fix', 'merged', false, 1 + day % 4, at, at, at + interval '30 hours',
          at + interval '30 hours', at + interval '6 hours', 'https://github.com/octo'
        from (
          select day, (%(last_day)s::date + time '12:00') at time zone 'UTC' - make_interval(days => day) as at
          from generate_series(1, 178) as day
        ) as opened;
        insert into github.reviews (
          id, node_id, pull_request_id, repository_id, author_id, state, body, submitted_at, updated_at
        )
        select id, 'PRR_' || id, id, repository_id, 1 + (id + 1) % 4, 'APPROVED', '', first_review_at, first_review_at
        from github.pull_requests
        """.replace("%(last_day)s", f"'{LAST_DAY}'")  # several statements take no parameters
    )
    made = workspaces.create(connection, "The <Team>")
    workspaces.add_repositories(connection, made.id, [1, 2])
    compute_days(connection, [LAST_DAY])
    compute_trends(connection, [LAST_DAY])
    compute_contributors(connection, LAST_DAY + timedelta(days=1))
    return made
