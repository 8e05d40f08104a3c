"""The desk's cast, for the campaign too."""

from tests.unit.desk.conftest import answered, make_move, sign_in

__all__ = ["answered", "make_move", "sign_in"]
