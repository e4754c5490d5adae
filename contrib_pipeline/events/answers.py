"""What the receiver answers when it can't do what it is asked: always JSON with ``error`` and ``status``.

Inngest's SDKs take any other answer for a reason to try again for ever, or for success.
"""

import logging
from collections.abc import Sequence
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from contrib_pipeline.events.wire import WireError
from contrib_pipeline.warehouse.errors import WarehouseError

log = logging.getLogger(__name__)


def failure(status: HTTPStatus, error: str, ids: Sequence[str] | None = None) -> JSONResponse:
    """An answer that says what is wrong; ``ids`` of the events that were accepted nevertheless."""
    accepted = {} if ids is None else {"ids": ids}
    return JSONResponse({**accepted, "status": status, "error": error}, status)


async def _wire_failure(request: Request, error: Exception) -> Response:
    assert isinstance(error, WireError)
    return failure(error.status, str(error))


async def _http_failure(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = failure(HTTPStatus(error.status_code), error.detail)
    answer.headers.update(error.headers or {})
    return answer


async def _unreachable(request: Request, error: Exception) -> Response:
    log.error("%s", error)
    return failure(HTTPStatus.SERVICE_UNAVAILABLE, "The database can't be reached: nothing was accepted, try again")


async def _gone(request: Request, error: Exception) -> Response:
    return failure(HTTPStatus.BAD_REQUEST, "The sender went away before the end of the body")


async def _defect(request: Request, error: Exception) -> Response:
    """Starlette raises the error again after this answer, so that the traceback is in the log."""
    return failure(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal error: nothing was accepted; the log says more")


FAILURES = {
    WireError: _wire_failure,
    HTTPException: _http_failure,
    WarehouseError: _unreachable,
    ClientDisconnect: _gone,
    Exception: _defect,
}
"""Starlette's exception handlers."""
