"""`hotline wechat`: the official account."""

import asyncio
import json
from contextlib import closing
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from channels.wechat.api import Refused
from channels.wechat.rules import Rules
from core.city import City
from core.clock import utc_now
from core.secrets import open_database
from core.settings import Settings, get_settings
from hotline import schema
from hotline.worker import wechat_api

wechat_app = typer.Typer(no_args_is_help=True, help="微信公众号: the WeChat official account.")
errors = Console(stderr=True, style="red", markup=False, soft_wrap=True)


@wechat_app.callback()
def _wechat() -> None:
    """The WeChat official account."""


@wechat_app.command(name="menu")
def create_menu(
    show: Annotated[bool, typer.Option("--show", help="Only print it as WeChat would get it.")] = False,
) -> None:
    """Replace the account's menu by that of city/wechat.yml; people see it within minutes."""
    settings = get_settings()
    try:
        menu = Rules.of_city(City(settings.city_dir)).menu_document()
    except ValidationError as error:
        for found in error.errors(include_url=False):
            errors.print(f"wechat.yml: {'.'.join(map(str, found['loc']))}: {found['msg']}")
        raise typer.Exit(2) from None
    if show:
        print(json.dumps(menu, ensure_ascii=False, indent=2))
        return
    try:
        asyncio.run(_create(settings, menu))
    except Refused as refused:
        errors.print(f"WeChat did not take the menu: {refused}")
        raise typer.Exit(1) from None


async def _create(settings: Settings, menu: dict[str, object]) -> None:
    with closing(open_database(settings)) as database:
        schema.upgrade(database)
        api = wechat_api(settings, database, utc_now)
        if api is None:
            errors.print("HOTLINE_WECHAT_APP_SECRET is not set: there is no account to give a menu")
            raise typer.Exit(2)
        try:
            await api.create_menu(menu)
        finally:
            await api.close()
