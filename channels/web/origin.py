"""Whether a browser's request comes from our own page."""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection


def is_own(connection: HTTPConnection, public_url: str | None) -> bool:
    """True for our own pages, and for clients that are no browser and send no Origin."""
    origin = connection.headers.get("origin")
    if origin is None:
        return True
    host = urlsplit(origin).netloc.lower()
    own = {connection.headers.get("host", "").lower(), urlsplit(public_url or "").netloc.lower()} - {""}
    return host in own
