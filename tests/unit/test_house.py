"""The rooms of the house import one way, and the tree is the one that is documented."""

import ast
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
# Each room may import itself and these.
MAY_IMPORT = {
    "core": set[str](),
    "desk": {"core"},
    "knowledge": {"core"},
    "intake": {"core", "desk"},
    "ivr": {"core", "desk", "intake"},
    "channels": {"core", "desk", "intake"},
    "hotline": {"core", "desk", "knowledge", "intake", "ivr", "channels"},
    "bot": set[str](),
}


def imported_rooms(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    names = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    return {name.partition(".")[0] for name in names} & set(MAY_IMPORT)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_stands_before_it(room: str) -> None:
    for path in (ROOT / room).rglob("*.py"):
        if ".venv" not in path.parts:
            assert imported_rooms(path) <= MAY_IMPORT[room] | {room}, path


def test_the_architecture_names_every_room() -> None:
    document = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    for room in MAY_IMPORT:
        assert f"\n{room}/ " in document
