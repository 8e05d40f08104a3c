"""Removing what the channel keeps of conversations: their messages' turns and files, their user with the binding."""

from collections.abc import Sequence

from sqlalchemy import Connection

from channels.wechat import turns, users
from desk.telling import texts


def forget(connection: Connection, conversation_ids: Sequence[str]) -> None:
    """Remove it. Takes the connection of a running transaction."""
    turns.forget(connection, conversation_ids)
    for conversation_id in conversation_ids:
        if (openid := texts.openid_of(conversation_id)) is not None:
            texts.forget_openid(connection, openid)
            users.forget(connection, openid)
