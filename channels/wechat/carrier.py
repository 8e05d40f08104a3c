"""The way out to a WeChat conversation: customer-service messages while the window is open, then a template."""

import asyncio
from datetime import datetime
from typing import Any

from channels.wechat import users, words
from channels.wechat.api import OUTSIDE_WINDOW, Api, Refused
from channels.wechat.rules import NoticeApi, Rules
from core.city import City
from core.database import Database
from desk.telling.carriers import Parcel, Undelivered

SEND_SECONDS = 17.0
"""Shorter than the lease of a delivery."""
NO_MENUS = 40200
"""The account may not send messages with a menu."""
UNREACHABLE = frozenset({40003, 43004, 43019, 48001, 48002})
"""Nobody of this id, does not follow the account, is on its black list, or the account may not send these at all."""
LONGEST_HEAD = 1024
"""Bytes of the text above a menu."""


class WeChatCarrier:
    """Needs an OpenID and a text; with the order's facts a template can be sent as well.

    A message that was taken and whose receipt was lost is sent again: WeChat knows no key for these.
    """

    most_attempts = 8

    def __init__(self, database: Database, api: Api, city: City) -> None:
        self._database = database
        self._api = api
        self._city = city
        self._rules = Rules.of_city(city)

    async def send(self, parcel: Parcel, now: datetime) -> None:
        """Send it the way that is open. Raises Undelivered, `closed` when none is."""
        if parcel.openid is None or parcel.text is None:
            raise Undelivered("forgotten", permanent=True)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._send(parcel, parcel.openid, parcel.text, now)
        except TimeoutError:
            raise Undelivered("no answer in time") from None
        except Refused as refused:
            unreachable = refused.code in UNREACHABLE
            raise Undelivered(str(refused), permanent=refused.permanent, closed=unreachable) from None

    async def close(self) -> None:
        """Let go of connections."""
        await self._api.close()

    async def _send(self, parcel: Parcel, openid: str, text: str, now: datetime) -> None:
        user = await self._database.read(lambda c: users.find(c, openid))
        if user is not None and not user["subscribed"]:
            raise Undelivered("unsubscribed", permanent=True, closed=True)
        if not users.may_be_written_to(user, now):
            await self._send_template(parcel, openid)
            return
        try:
            await self._send_message(openid, text, parcel.buttons)
        except Refused as refused:
            if refused.code not in OUTSIDE_WINDOW:
                raise
            await self._database.write(lambda c: users.shut(c, openid))
            await self._send_template(parcel, openid)
            return
        await self._database.write(lambda c: users.note_sent(c, openid))

    async def _send_message(self, openid: str, text: str, titles: tuple[str, ...]) -> None:
        if titles and len(text.encode()) <= LONGEST_HEAD:
            listed = [{"id": str(number), "content": title} for number, title in enumerate(titles, start=1)]
            menu = {"head_content": text, "list": listed, "tail_content": ""}
            try:
                await self._api.send_message({"touser": openid, "msgtype": "msgmenu", "msgmenu": menu})
            except Refused as refused:
                if refused.code != NO_MENUS:
                    raise
            else:
                return
        content = {"content": words.numbered(text, titles)}
        await self._api.send_message({"touser": openid, "msgtype": "text", "text": content})

    async def _send_template(self, parcel: Parcel, openid: str) -> None:
        notice = self._rules.notice
        if parcel.order is None or not notice.template_id:
            raise Undelivered("outside the 48 hours, or too often in them", closed=True)
        data = self._rules.notice_data(parcel.order, self._city)
        message: dict[str, Any] = {"touser": openid, "template_id": notice.template_id, "data": data}
        try:
            if notice.api is NoticeApi.TEMPLATE:
                await self._api.send_template({**message, "client_msg_id": parcel.message_id})
            else:
                await self._api.send_subscription(message)
        except Refused as refused:
            if refused.permanent:
                raise Undelivered(str(refused), closed=True) from None
            raise
