"""People of the staff who keep entries, signed in without a password."""

from datetime import datetime

from core.access import UNIT_ROLES, Role
from core.database import Database
from desk.access import people
from desk.access.people import NewUser

Headers = dict[str, str]
OWN, OTHER = "咸宁市人力资源和社会保障局", "咸宁市公安局"


def signed_in(database: Database, now: datetime, role: Role, unit: str = OWN) -> Headers:
    """The headers of somebody new with a role, of the unit where the role belongs to one; login is role.N."""
    login = f"{role}.{len(database.read_now(people.list_users))}"
    new = NewUser(
        login=login, name="员", role=role, unit=unit if role in UNIT_ROLES else None, password="not used here"
    )
    database.write_now(lambda c: people.add_user(c, new, "no hash", now, "test"))
    session = database.write_now(lambda c: people.open_session(c, login, now))
    return {"Authorization": f"Bearer {session.token}"}
