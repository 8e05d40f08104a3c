"""急难愁盼扫码办: QR codes that open the chat with a place filled in. No key is in them: anybody may make one."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import segno

from core.city import City
from core.sheets import Row, read_sheet

LONGEST_PLACE = 60
"""Characters; the page takes no more (`console/src/chat/place.ts`), and a longer code is hard to scan."""
KINDS = ("svg", "png")
# Printed small on a sign: 15 % of the code may be dirty, and a module is 10 pixels of a PNG.
ERROR_CORRECTION = "m"
SCALE = 10
PLACE, AREA, FILE = "place", "area", "file"


class BadPlace(ValueError):
    """A place no code can be made for; the text names the field, the value and what is allowed."""


@dataclass(frozen=True, slots=True)
class PlaceCode:
    """The code of a place under our address."""

    url: str
    place: str

    def write(self, file: Path) -> None:
        """Write it as SVG or PNG, as the file's name ends. Raises BadPlace for another ending."""
        kind = file.suffix.lstrip(".").lower()
        if kind not in KINDS:
            raise BadPlace(f"out: {file.name} has to end in {' or '.join(f'.{kind}' for kind in KINDS)}")
        file.parent.mkdir(parents=True, exist_ok=True)
        titled = {"title": self.place, "desc": self.url} if kind == "svg" else {}
        self._code().save(str(file), kind=kind, scale=SCALE, **titled)

    def show(self) -> None:
        """Print it on the terminal."""
        self._code().terminal(compact=True)

    def _code(self) -> segno.QRCode:
        return segno.make_qr(self.url, error=ERROR_CORRECTION)


def place_code(public_url: str | None, place: str, area: str | None, city: City) -> PlaceCode:
    """The code that opens the chat at a place. Raises BadPlace."""
    if not public_url:
        raise BadPlace("HOTLINE_PUBLIC_URL: not set; a code needs the address people reach us by")
    named = place.strip()
    if not named or len(named) > LONGEST_PLACE or any(unicodedata.category(mark).startswith("C") for mark in named):
        raise BadPlace(f"place: {place!r} has to have 1 to {LONGEST_PLACE} characters, on one line")
    if area is not None and not city.has_place(area):
        raise BadPlace(f"area: {area!r} is no code of city/areas.csv")
    asked = {"place": named, **({"area": area} if area else {})}
    return PlaceCode(f"{public_url}/?{urlencode(asked)}", named)


def codes_of(raw: bytes, public_url: str | None, city: City) -> list[tuple[str, PlaceCode]]:
    """The codes a table asks for, each with its file's name: columns place, area and file, the last two may be empty.

    Raises BadSheet for a table that cannot be read, BadPlace naming the line of the first bad row.
    """
    rows = read_sheet(raw)
    made = [(_file(row), _code(row, public_url, city)) for row in rows]
    names = [name for name, _ in made]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise BadPlace(f"file: {twice} is there twice")
    return made


def _code(row: Row, public_url: str | None, city: City) -> PlaceCode:
    try:
        return place_code(public_url, row.cells.get(PLACE, ""), row.cells.get(AREA), city)
    except BadPlace as error:
        raise BadPlace(f"line {row.line}: {error}") from error


def _file(row: Row) -> str:
    """The name given, else the line and the place without what a file's name may not hold."""
    given = row.cells.get(FILE)
    if given is None:
        place = "".join(mark for mark in row.cells.get(PLACE, "") if mark.isalnum())
        return f"{row.line:05}-{place}.svg"
    if Path(given).name != given or given.startswith("."):
        raise BadPlace(f"line {row.line}: file: {given!r} has to be a name without folders")
    return given


def write_all(codes: list[tuple[str, PlaceCode]], folder: Path) -> Iterator[Path]:
    """Write codes into a folder, one after the other; yields each file that is there."""
    for name, code in codes:
        code.write(folder / name)
        yield folder / name
