"""Questions that are asked often: `city/common_questions.yml`."""

from typing import Annotated

from pydantic import Field

from core.city import City
from core.records import Record
from knowledge.content import Line

MOST = 12


class CommonQuestions(Record):
    """What a page offers to somebody who does not know how to begin."""

    common: Annotated[tuple[Line, ...], Field(max_length=MOST)]


def common_questions(city: City) -> tuple[str, ...]:
    """The city's, in their order. Raises pydantic's ValidationError naming what is wrong."""
    return CommonQuestions.model_validate(city.read("common_questions.yml")).common
