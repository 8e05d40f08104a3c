"""The pages and their files, as `console/dist` has them after the build."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from channels.web.texts import text
from core.access import Audience, open_to

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
# A citizen's file is fetched with the seat's token, and shown from where the page then has it.
SEAT_POLICY = f"{POLICY}; img-src 'self' blob:; media-src blob:"
SECURITY_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
ALWAYS_ASK = "no-cache"
# The build puts a hash of the content into each file name.
KEEP_FOR_GOOD = "public, max-age=31536000, immutable"


def chat_policy(map_origin: str | None, framing_origins: Sequence[str] = ()) -> str:
    """The policy of the citizen's chat: also files in the page's own memory, a map's pictures, these sites' windows."""
    framed = " ".join((POLICY, *framing_origins))
    # Leaflet takes back a tile it waits for by giving it an empty picture, which is a data: address.
    tiles = f" data: {map_origin}" if map_origin else ""
    return f"{framed}; img-src 'self' blob:{tiles}; media-src 'self' blob:"


def create_page_router(dist: Path, map_origin: str | None = None, framing_origins: Sequence[str] = ()) -> APIRouter:
    """`/`, `/embed`, `/knowledge`, the pages of the staff, `/widget.js` and `/assets/…` out of the folder `dist`.

    A page of the staff is open to anyone: it holds nothing, and what it asks for is behind locked doors.
    """
    router = APIRouter(include_in_schema=False, dependencies=[open_to(Audience.ANYONE)])
    files = StaticFiles(directory=dist, check_dir=False)

    @router.api_route("/", methods=["GET", "HEAD"])
    async def page(request: Request) -> Response:
        """The citizen's chat."""
        return await _page(files, dist, "index.html", request, chat_policy(map_origin))

    @router.api_route("/embed", methods=["GET", "HEAD"])
    async def embedded(request: Request) -> Response:
        """The same for a window in another site's page; browsers show it in those of `framing_origins` only."""
        return await _page(files, dist, "index.html", request, chat_policy(map_origin, framing_origins))

    @router.api_route("/knowledge", methods=["GET", "HEAD"])
    async def knowledge(request: Request) -> Response:
        """The knowledge base to search in, or one entry of it."""
        return await _page(files, dist, "knowledge.html", request)

    @router.api_route("/widget.js", methods=["GET", "HEAD"])
    async def widget(request: Request) -> Response:
        """The script that puts the chat into another site's page."""
        return await _file(files, "widget.js", request, ALWAYS_ASK)

    @router.api_route("/console/simulator", methods=["GET", "HEAD"])
    async def simulator(request: Request) -> Response:
        """The telephone calls are rehearsed with."""
        return await _page(files, dist, "pages/simulator.html", request)

    @router.api_route("/console/chats", methods=["GET", "HEAD"])
    async def chats(request: Request) -> Response:
        """A seat's page for written conversations."""
        return await _page(files, dist, "pages/chats.html", request, SEAT_POLICY)

    @router.api_route("/assets/{name}", methods=["GET", "HEAD"])
    async def asset(request: Request, name: str) -> Response:
        """A script, style sheet or picture of a page."""
        return await _file(files, f"assets/{name}", request, KEEP_FOR_GOOD)

    return router


async def _page(files: StaticFiles, dist: Path, path: str, request: Request, policy: str = POLICY) -> Response:
    if not (dist / path).is_file():
        return HTMLResponse(text("not_built"), 503, SECURITY_HEADERS | {"Retry-After": "60"})
    response = await _file(files, path, request, ALWAYS_ASK)
    response.headers["Content-Security-Policy"] = policy
    return response


async def _file(files: StaticFiles, path: str, request: Request, caching: str) -> Response:
    try:
        response = await files.get_response(path, request.scope)
    except HTTPException as error:
        raise HTTPException(404, "Not Found") from error
    response.headers.update(SECURITY_HEADERS | {"Cache-Control": caching})
    return response
