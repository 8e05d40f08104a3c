"""What comes from outside, as models: a field that is not known is refused by its name, never passed over."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A part of a file of the city or of the project's sentences. Does not change once it is read."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class RequestBody(BaseModel):
    """What a client sends."""

    model_config = ConfigDict(extra="forbid")
