"""Where a window of a sorted list stands, and which certificates of an address are served: the bounds."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from directory_service.index import sorting
from directory_service.index.query import SortKey, Window
from directory_service.index.smime import served, write_certificates
from directory_service.model.certificates import MailCertificate

PLACES = [sorting._Place(((False, text),), n) for n, text in enumerate(("a", "b", "b", "d"))]


@pytest.mark.parametrize(
    ("count", "offset", "assumed", "position"),
    [
        (3, 3, 5, 2),  # 1.8 of the client's list
        (3, 2, 5, 1),  # 1.2
        (10, 1, 5, 1),
        (10, 5, 5, 10),
        (1, 1, 3, 1),
        (3, 2, 100, 1),  # the second of a hundred is none of three, but the first
        (3, 3, 0, 3),
        (0, 1, 0, 0),
    ],
)
def test_an_offset_is_a_share_of_the_list(count: int, offset: int, assumed: int, position: int) -> None:
    assert sorting._by_offset(count, Window(0, 0, offset, assumed)) == (position, sorting.SUCCESS)


@pytest.mark.parametrize(("count", "offset", "assumed"), [(3, 0, 0), (3, -1, 5), (3, 4, 0), (3, 6, 5)])
def test_an_offset_out_of_the_list(count: int, offset: int, assumed: int) -> None:
    assert sorting._by_offset(count, Window(0, 0, offset, assumed)) == (0, sorting.OFFSET_RANGE_ERROR)


@pytest.mark.parametrize(
    ("value", "forwards", "backwards"),
    [("a", 1, 4), (" b ", 2, 2), ("c", 4, 2), ("d", 4, 1), ("e", 5, 1), ("", 1, 5), ("B", 1, 5), ("é", 5, 1)],
)
def test_a_value_is_at_the_first_place_not_before_it(value: str, forwards: int, backwards: int) -> None:
    window = Window(0, 0, value=value.encode())
    assert sorting._by_value(PLACES, window, SortKey("cn", exact=True)) == (forwards, sorting.SUCCESS)
    against = SortKey("cn", reverse=True, exact=True)
    assert sorting._by_value(PLACES[::-1], window, against) == (backwards, sorting.SUCCESS)


def _certificate(sha256: str, begins: str, ends: str) -> MailCertificate:
    return MailCertificate(sha256, b"", "CN=a", "CN=b", "01", begins, ends, ())


def test_certificates_are_served_from_their_first_second_the_newest_first() -> None:
    old = _certificate("aa", "2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z")
    new = _certificate("bb", "2026-02-01T00:00:00Z", "2026-02-15T00:00:00Z")  # however soon it ends
    january, february, soon, march = 1_767_225_600, 1_769_904_000, 1_771_113_600, 1_772_323_200
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE smime(address, sha256, begins, ends, der, json, PRIMARY KEY(address, sha256))")
        write_certificates(db, [("A@b.fr", old), ("a@b.fr", new)])

        def found(now: float) -> list[str]:
            return [one.sha256 for one in served(db, " a@B.fr ", now)]

        assert [found(now) for now in (january - 1, january, february - 1)] == [[], ["aa"], ["aa"]]
        assert [found(now) for now in (february, soon - 1, soon)] == [["bb", "aa"], ["bb", "aa"], ["aa"]]
        assert [found(now) for now in (march - 1, march)] == [["aa"], []]
