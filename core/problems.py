"""Errors of the HTTP doors as RFC 9457 problem JSON: what was wrong, with which value, and what is allowed."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException


class Problem(Exception):
    """An answer that refuses: `status` and `title` for machines, `detail` a sentence for people."""

    def __init__(self, status: int, title: str, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.extra = extra

    def response(self) -> JSONResponse:
        """The problem as an HTTP response."""
        body = {"type": "about:blank", "title": self.title, "status": self.status, "detail": self.detail, **self.extra}
        headers = {"Retry-After": str(self.extra["retry_after"])} if "retry_after" in self.extra else None
        return JSONResponse(body, self.status, headers, "application/problem+json")


class Unavailable(Problem):
    """A part that is needed does not answer; the same request may be sent again."""

    def __init__(self, detail: str) -> None:
        super().__init__(503, "Service Unavailable", detail, retry_after=5)


class ProblemDocument(BaseModel):
    """A refusal (RFC 9457): `detail` is a sentence that names the field, the value and what is allowed."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str


_DOCUMENT = {"application/problem+json": {"schema": ProblemDocument.model_json_schema()}}
RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "Refused, with the reason", "content": _DOCUMENT},
    503: {"description": "A part that is needed does not answer; send it again", "content": _DOCUMENT},
}
"""How every route may refuse, for the API's description."""


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document."""

    @app.exception_handler(Problem)
    async def _problem(_: Request, problem: Problem) -> JSONResponse:
        return problem.response()

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> JSONResponse:
        return Problem(error.status_code, str(error.detail), str(error.detail)).response()

    @app.exception_handler(DataError)
    async def _not_storable(_: Request, __: DataError) -> JSONResponse:
        # PostgreSQL keeps no NUL in a text; every other limit is the models'.
        detail = "a text holds the character NUL, or a number is too large: no database keeps it"
        return Problem(422, "Unprocessable Content", detail).response()

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return invalid(error.errors()).response()


def invalid(errors: Sequence[Any]) -> Problem:
    """Pydantic's findings as one problem that names each field, its value and what is allowed."""
    fields = [
        {
            "field": ".".join(str(part) for part in found["loc"]),
            "value": _short(found.get("input")),
            "allowed": found["msg"],
        }
        for found in errors
    ]
    detail = "; ".join(f"{f['field']}: {f['allowed']} (got {f['value']})" for f in fields)
    return Problem(422, "Unprocessable Content", detail, errors=fields)


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else shown[:77] + "…"
