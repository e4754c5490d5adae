"""What a person sees in a browser: the front page, and a sign of life."""

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from contrib_pipeline.sandbox.records import Repository
from contrib_pipeline.sandbox.replies import json
from contrib_pipeline.sandbox.world import World

_PAGE = """<!doctype html>
<title>The sandbox's repositories</title>
<style>
body {{ font: 16px/1.5 system-ui; max-width: 50rem; margin: 3rem auto }}
td, th {{ padding-right: 2rem; text-align: left }} td.n, th.n {{ text-align: right }}
pre {{ background: #f4f4f4; padding: 1rem; overflow: auto }}
</style>
<h1>A local GitHub</h1>
<p>It answers GraphQL at <code>{base}/graphql</code>; any token will do.</p>
<pre>curl {base}/graphql -H "authorization: bearer anything" \\
  -d '{{"query":
  "{{ repository(owner: \\"{owner}\\", name: \\"{name}\\") {{ pullRequests {{ totalCount }} }} }}"}}'</pre>
<table><tr><th>Repository<th class=n>Pull requests<th class=n>Discussions</tr>
{rows}
</table>
"""


async def front(request: Request) -> Response:
    """The repositories, and how to ask about them."""
    world: World = request.app.state.world
    repositories = list(world.repositories.values())
    owner, name = (repositories[0].owner.login, repositories[0].name) if repositories else ("OWNER", "NAME")
    rows = "\n".join(_row(repository) for repository in repositories)
    base = str(request.base_url).rstrip("/")
    return HTMLResponse(_PAGE.format(base=escape(base), owner=escape(owner), name=escape(name), rows=rows))


async def health(request: Request) -> Response:
    """Up, and how much it serves."""
    return json({"status": "ok", "repositories": len(request.app.state.world.repositories)})


def _row(repository: Repository) -> str:
    numbers = f"<td class=n>{len(repository.pull_requests)}<td class=n>{len(repository.discussions)}"
    return f"<tr><td>{escape(repository.name_with_owner)}{numbers}</tr>"
