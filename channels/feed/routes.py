"""The doors of the public feed: `/feed.xml` (RSS 2.0) and `/feed.json` (JSON Feed), for anyone."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Header, Query, Response

from channels.base import House
from channels.feed.documents import Feed, json_feed, rss
from core.access import Audience, open_to
from core.city import City
from core.problems import Problem
from core.wording import Wording
from desk.published import changes
from desk.published.changes import Change
from desk.published.orders import TOWN

LAST = timedelta(days=30)
"""How far back a feed reaches."""
LONGEST = 50
KEEP = "public, max-age=300"

AreaQuery = Annotated[str | None, Query(pattern=r"^\d{6}(\d{3})?$", description="Code of a 县市区 or a 乡镇街道")]
CategoryQuery = Annotated[str | None, Query(pattern=r"^\d{2}$", description="Id from city/categories.yml")]
NoneMatch = Annotated[str | None, Header(alias="If-None-Match")]
FORMS: dict[str, tuple[str, Callable[[Feed, Sequence[Change], City], str]]] = {
    "feed.json": ("application/feed+json", json_feed),
    "feed.xml": ("application/rss+xml; charset=utf-8", rss),
}
"""How each is called in HTTP, and written."""


def create_router(house: House) -> APIRouter:
    """Both doors over one house."""
    router = APIRouter(tags=["feed"], dependencies=[open_to(Audience.ANYONE)])
    words = Wording(__file__).all

    async def read(form: str, area: str | None, category: str | None, known: str | None) -> Response:
        """The feed in a form, or 304 when the reader has it already."""
        feed, now = _feed(house, words, form, area, category), house.clock()
        within = None if area == house.city.code else area
        wanted = changes.Wanted(now - LAST, now, tuple(words["kinds"]), category, within, newest_first=True)
        found = await house.database.read(lambda c: changes.page(c, wanted, LONGEST))
        # Of the JSON for both: an RSS without entries tells the time of its writing.
        tag = _tag(form + json_feed(feed, found, house.city))
        headers = {"ETag": tag, "Cache-Control": KEEP, "Access-Control-Allow-Origin": "*"}
        if known is not None and _matches(known, tag):
            return Response(status_code=304, headers=headers)
        media_type, write = FORMS[form]
        return Response(write(feed, found, house.city), media_type=media_type, headers=headers)

    @router.get("/feed.json", response_class=Response, responses=_answers("feed.json"))
    async def as_json(area: AreaQuery = None, category: CategoryQuery = None, known: NoneMatch = None) -> Response:
        """What was taken in and settled in the last 30 days, at most 50 entries, the newest first; as JSON Feed."""
        return await read("feed.json", area, category, known)

    @router.get("/feed.xml", response_class=Response, responses=_answers("feed.xml"))
    async def as_rss(area: AreaQuery = None, category: CategoryQuery = None, known: NoneMatch = None) -> Response:
        """The same as RSS 2.0."""
        return await read("feed.xml", area, category, known)

    return router


def _feed(house: House, words: dict[str, str], form: str, area: str | None, category: str | None) -> Feed:
    """The feed of an area and a category. Raises Problem 404 for those the city does not have."""
    city = house.city
    if category is not None and category not in city.categories:
        raise Problem(404, "Not Found", f"category: {category!r} is not one of 01…22", field="category")
    if area is not None and area not in city.areas:
        detail = f"area: {area!r} is not in city/areas.csv; allowed are codes of {TOWN} digits and fewer"
        raise Problem(404, "Not Found", detail, field="area")
    asked = {name: value for name, value in (("area", area), ("category", category)) if value}
    home = f"{house.settings.public_url or house.settings.web_url}/"
    return Feed(
        title=words["title"].format(city=city.name, **_names(city, area, category)),
        description=words["description"],
        language=words["language"],
        item=words["item"],
        home=home,
        address=home + form + (f"?{urlencode(asked)}" if asked else ""),
    )


def _names(city: City, area: str | None, category: str | None) -> dict[str, str]:
    told = {
        "area": city.area_path(area) if area else "",
        "category": city.categories[category].name if category else "",
    }
    return {name: value and f" · {value}" for name, value in told.items()}


def _tag(content: str) -> str:
    return f'"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'


def _matches(known: str, tag: str) -> bool:
    """Whether an `If-None-Match` names a tag (RFC 9110, 13.1.2: weakly)."""
    return known.strip() == "*" or tag in (part.strip().removeprefix("W/") for part in known.split(","))


def _answers(form: str) -> dict[int | str, dict[str, Any]]:
    media_type = FORMS[form][0].partition(";")[0]
    return {
        200: {"description": "The feed", "content": {media_type: {}}},
        304: {"description": "Nothing new since the ETag"},
    }
