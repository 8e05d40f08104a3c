"""A file that somebody sends: as the body of the request, or as the field `file` of a form."""

from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile

from core.problems import Problem

ROOM_FOR_A_FORM = 64 * 1024
"""Bytes by which a form may be larger than its file."""
FILE: dict[str, Any] = {"type": "string", "format": "binary"}
_FORM = {"type": "object", "properties": {"file": FILE}, "required": ["file"]}


def upload_of(*media_types: str) -> dict[str, Any]:
    """How a door that takes a file of these types is described."""
    content = {"multipart/form-data": {"schema": _FORM}} | {media: {"schema": FILE} for media in media_types}
    return {"requestBody": {"required": True, "content": content}}


async def file_of(request: Request) -> bytes:
    """The file of a request: its body, or the field `file` of its form. Raises Problem 422."""
    if not request.headers.get("Content-Type", "").startswith("multipart/form-data"):
        return await request.body()
    async with request.form(max_files=1, max_fields=1) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Problem(
                422, "Unprocessable Content", "file: missing; the form needs a file of this name", field="file"
            )
        return await file.read()
