"""What the page asks when a citizen wants to say where something is: the map, and the name of an area."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, StringConstraints

from channels.web.texts import text
from core.access import Audience, open_to
from core.city import City
from core.problems import Problem
from core.settings import Settings

AreaCode = Annotated[str, StringConstraints(max_length=12), Path()]


class Point(BaseModel):
    """A point in WGS-84, in degrees."""

    latitude: float
    longitude: float


class MapOut(BaseModel):
    """A map to set a pin on: the tiles' address (null: there is none), whose it is, and where it opens."""

    tiles: str | None
    attribution: str
    centre: Point


class AreaOut(BaseModel):
    """An area with its name from the county down."""

    code: str
    name: str


def create_place_router(city: City, settings: Settings) -> APIRouter:
    """The doors over one city and the map it has set up."""
    router = APIRouter(prefix="/chat", tags=["web chat"], dependencies=[open_to(Audience.ANYONE)])

    @router.get("/map")
    async def tell_map() -> MapOut:
        """The map a citizen may set a pin on."""
        latitude, longitude = settings.map_start
        return MapOut(
            tiles=settings.map_tiles or None,
            attribution=settings.map_attribution,
            centre=Point(latitude=latitude, longitude=longitude),
        )

    @router.get("/areas/{code}")
    async def tell_area(code: AreaCode) -> AreaOut:
        """The name of an area of the city or of a partner city."""
        if not city.has_place(code):
            raise Problem(404, "Not Found", text("area_not_found", value=code))
        return AreaOut(code=code, name=city.area_path(code))

    return router
