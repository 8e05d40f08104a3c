"""A feed as a document: JSON Feed 1.1 (jsonfeed.org/version/1.1) and RSS 2.0. Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from feedgenerator import Rss201rev2Feed

from core.city import City
from core.clock import to_city_time
from desk.published import orders
from desk.published.changes import Change


@dataclass(frozen=True, slots=True)
class Feed:
    """What a feed is, and where: `home` is the page of the hotline, `address` the feed's own."""

    title: str
    description: str
    language: str
    item: str
    home: str
    address: str


def json_feed(feed: Feed, changes: Sequence[Change], city: City) -> str:
    """The changes as JSON Feed, in their order."""
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "description": feed.description,
        "language": feed.language,
        "home_page_url": feed.home,
        "feed_url": feed.address,
        "items": [
            {
                "id": change.id,
                "url": _address(feed, change),
                "title": _title(feed, change, city),
                "content_text": _title(feed, change, city),
                "date_published": to_city_time(change.at).isoformat(timespec="seconds"),
                "tags": _tags(change, city),
            }
            for change in changes
        ],
    }
    return json.dumps(document, ensure_ascii=False)


def rss(feed: Feed, changes: Sequence[Change], city: City) -> str:
    """The changes as RSS 2.0, in their order."""
    written = Rss201rev2Feed(
        title=feed.title,
        link=feed.home,
        description=feed.description,
        language=feed.language,
        feed_url=feed.address,
    )
    for change in changes:
        written.add_item(
            title=_title(feed, change, city),
            link=_address(feed, change),
            description=_title(feed, change, city),
            unique_id=change.id,
            unique_id_is_permalink=False,
            pubdate=to_city_time(change.at),
            categories=_tags(change, city),
        )
    document: str = written.writeString("utf-8")
    return document


def _title(feed: Feed, change: Change, city: City) -> str:
    subject = orders.subject(change.category, change.area_code, city)
    return feed.item.format(subject=subject, change=change.words)


def _address(feed: Feed, change: Change) -> str:
    return f"{feed.home}open311/v2/requests/{change.number}.json"


def _tags(change: Change, city: City) -> list[str]:
    category = city.categories.get(change.category)
    return [category.name if category else change.category, orders.area_name(change.area_code, city)]
