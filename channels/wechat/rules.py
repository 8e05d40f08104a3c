"""`city/wechat.yml`: the menu, the places of the codes, and the template of notices."""

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from core.city import City
from desk.orders.words import words
from desk.telling.carriers import OrderFacts

LONGEST_SCENE = 64


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _at_most(most: int, value: str) -> str:
    if len(value.encode()) > most:
        raise ValueError(f"{value!r}: at most {most} bytes in UTF-8")
    return value


Name = Annotated[str, Field(min_length=1), AfterValidator(lambda value: _at_most(60, value))]
Said = Annotated[str, Field(min_length=1), AfterValidator(lambda value: _at_most(128, value))]


class Entry(_Record):
    """An entry of the menu: it says something, as if the citizen had written it, or opens a page."""

    name: Name
    says: Said | None = None
    opens: str | None = Field(None, pattern=r"^https?://\S+$", max_length=1024)

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        if (self.says is None) == (self.opens is None):
            raise ValueError(f"{self.name}: needs either says or opens")
        return self

    def to_wechat(self) -> dict[str, str]:
        """The entry as WeChat takes it."""
        if self.opens is not None:
            return {"type": "view", "name": self.name, "url": self.opens}
        return {"type": "click", "name": self.name, "key": self.says or ""}


class Group(_Record):
    """A button with up to five entries above it."""

    name: Annotated[str, Field(min_length=1), AfterValidator(lambda value: _at_most(16, value))]
    entries: list[Entry] = Field(min_length=1, max_length=5)


class NoticeApi(StrEnum):
    """How WeChat is asked for a notice outside the window."""

    TEMPLATE = "template"
    SUBSCRIPTION = "subscription"


Word = Literal["number", "category", "state"]


class Notice(_Record):
    """The template of a notice, and which of its fields tells what."""

    api: NoticeApi = NoticeApi.TEMPLATE
    template_id: str = ""
    fields: dict[str, Word] = {}

    @model_validator(mode="after")
    def _tells_something(self) -> Self:
        if self.template_id and not self.fields:
            raise ValueError("fields: missing, but there is a template_id")
        return self


class Rules(_Record):
    """All of `city/wechat.yml`."""

    menu: list[Group] = Field(max_length=3)
    places: dict[str, str] = {}
    notice: Notice = Notice()

    @classmethod
    def of_city(cls, city: City) -> Self:
        """A city's rules. Raises pydantic's ValidationError naming what is wrong."""
        return cls.model_validate(city.read("wechat.yml"))

    def menu_document(self) -> dict[str, Any]:
        """The menu as WeChat takes it (https://developers.weixin.qq.com/doc/offiaccount/Custom_Menus)."""
        groups = [{"name": g.name, "sub_button": [entry.to_wechat() for entry in g.entries]} for g in self.menu]
        return {"button": groups}

    def place_of(self, scene: object) -> str | None:
        """Where a scanned code hangs: by the table, else the scene itself when it names a place in Chinese."""
        if not isinstance(scene, str) or not 0 < len(scene.strip()) <= LONGEST_SCENE:
            return None
        scene = scene.strip()
        return self.places.get(scene) or (scene if any("一" <= character <= "鿿" for character in scene) else None)

    def notice_data(self, order: OrderFacts, city: City) -> dict[str, dict[str, str]]:
        """The fields of a notice about an order, as WeChat takes them."""
        category = city.categories.get(order.category or "")
        told: dict[Word, str] = {
            "number": order.number,
            "category": category.name if category else "—",
            "state": words()["states"][order.state],
        }
        return {field: {"value": told[word]} for field, word in self.notice.fields.items()}
