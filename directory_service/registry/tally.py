"""How many people, activities and mailboxes there are, in all and by domain, profession and department.

Kept by imports and answers of the staff in the transaction that makes the changes, so that an impact has its
percentages without a scan; a rollback brings back the numbers of before (``registry.undo``).
Counted: practitioners who are active and not absorbed, the activities of those, mailboxes that are open.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, delete, func, select, update

from directory_service.model.mailboxes import domain_of
from directory_service.model.nomenclature import department_of
from directory_service.registry.bulk import insert_rows
from directory_service.registry.tables import activity, mailbox, organization, practitioner, tally

WHOLES = ("people", "activities", "mailboxes")
GROUPS = ("domain", "profession", "department")
Tally = dict[str, Counter[str]]  # dimension ► key ► number


def counted_under(code: str, postcode: str) -> str:
    """The department that an activity at an address counts in: its code, else that of the postcode; empty when neither
    says."""
    return ("" if code == _CORSICA else code) or department_of(postcode, "")


def read_tally(connection: Connection) -> Tally:
    """What the last import left; empty in a registry that none ever counted."""
    found: Tally = defaultdict(Counter)
    for dimension, key, number in connection.execute(select(tally)):
        found[dimension][key] = number
    return found


def trusted_tally(connection: Connection) -> Tally:
    """``read_tally``, counted anew where Corsica, whose postcodes begin with 20, is still one department."""
    found = read_tally(connection)
    return recount(connection) if _CORSICA in found.get("department", ()) else found


_CORSICA = "20"  # until 1976; what files call a department is taken as it is, but for this


def change_tally(connection: Connection, changes: Mapping[str, Mapping[str, int]]) -> None:
    """Adds these differences; a group of none is forgotten."""
    known, rows = read_tally(connection), []
    for dimension, by_key in changes.items():
        for key, difference in by_key.items():
            if not difference:
                continue
            connection.execute(delete(tally).where(tally.c.dimension == dimension, tally.c.key == key))
            if number := known[dimension][key] + difference:
                rows.append((dimension, key, number))
    insert_rows(connection, tally, ("dimension", "key", "number"), rows)


def add_to_tally(connection: Connection, changes: Mapping[str, Mapping[str, int]]) -> None:
    """``change_tally`` of a few groups, the others not read: for who changes one mailbox among half a million.
    A registry that was never counted stays so: the next import counts it."""
    if connection.execute(select(tally.c.number).limit(1)).first() is None:
        return
    for dimension, by_key in changes.items():
        for key, difference in by_key.items():
            row = tally.c.dimension == dimension, tally.c.key == key
            query = update(tally).where(*row).values(number=tally.c.number + difference)
            known = not difference or connection.execute(query).rowcount
            if not known and difference > 0:
                insert_rows(connection, tally, ("dimension", "key", "number"), [(dimension, key, difference)])
            if difference < 0:
                connection.execute(delete(tally).where(*row, tally.c.number <= 0))


def recount(connection: Connection) -> Tally:
    """Counts everything anew: reads the whole registry (seconds at national scale)."""
    found = count(connection)
    connection.execute(delete(tally))
    rows = [(dimension, key, number) for dimension, by_key in found.items() for key, number in by_key.items()]
    insert_rows(connection, tally, ("dimension", "key", "number"), rows)
    return found


def count(connection: Connection) -> Tally:
    """The tally as the tables say it."""
    alive = practitioner.c.status == "active", practitioner.c.merged_into.is_(None)
    codes = practitioner.c.profession_code
    found: Tally = defaultdict(Counter)
    _add(found, "people", "profession", connection.execute(select(codes, func.count()).where(*alive).group_by(codes)))
    _add(found, "activities", "department", _activities(connection))
    addresses = select(mailbox.c.address).where(mailbox.c.until.is_(None)).execution_options(yield_per=10_000)
    domains = Counter(domain_of(address) for address in connection.execute(addresses).scalars())
    _add(found, "mailboxes", "domain", domains.items())
    return found


def _activities(connection: Connection) -> Iterable[tuple[str, int]]:
    alive = practitioner.c.status == "active", practitioner.c.merged_into.is_(None)
    place = func.coalesce(organization.c.department_code, ""), func.coalesce(organization.c.postcode, "")
    joined = activity.join(practitioner).outerjoin(organization, activity.c.organization_id == organization.c.id)
    query = select(*place, func.count()).select_from(joined).where(*alive).group_by(*place)
    return ((counted_under(code, postcode), number) for code, postcode, number in connection.execute(query))


def _add(found: Tally, whole: str, group: str, numbers: Iterable[tuple[str, int]]) -> None:
    for key, number in numbers:
        found[whole][""] += number
        found[group][key] += number
