"""The keys we sign with: made once, changed without breaking what was signed, never readable by others."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from directory_service.errors import InvalidInput, RegistryUnavailable
from directory_service.trust.keys import Keyring, add_key

DAY = "2026-11-26T08:00:00Z"
NEXT = "2026-11-27T08:00:00Z"
TYP = "test+jws"


def test_the_first_key_is_made_and_stays(tmp_path: Path) -> None:
    first, again = (Keyring.open(tmp_path / "keys", now=DAY) for _ in range(2))
    assert first.jwks() == again.jwks()
    assert again.check(first.sign(b"said", TYP), TYP) == b"said"


def test_processes_that_start_together_make_one_key(tmp_path: Path) -> None:
    rings: list[Keyring] = []
    threads = [threading.Thread(target=lambda: rings.append(Keyring.open(tmp_path, now=DAY))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({ring.current.kid for ring in rings}) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["first.json"]


def test_a_new_key_signs_and_the_old_one_still_verifies(tmp_path: Path) -> None:
    old = Keyring.open(tmp_path, now=DAY)
    kid = add_key(tmp_path, now=NEXT)
    ring = Keyring.open(tmp_path, now=NEXT)
    assert ring.current.kid == kid
    assert ring.check(old.sign(b"before", TYP), TYP) == b"before"
    assert [key["kid"] for key in ring.jwks()["keys"]] == [kid, old.current.kid]


def test_private_halves_are_neither_published_nor_readable_by_others(tmp_path: Path) -> None:
    ring = Keyring.open(tmp_path / "keys", now=DAY)
    assert set(ring.jwks()["keys"][0]) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    (file,) = (tmp_path / "keys").iterdir()
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) == (0o600, 0o700)


def test_a_file_that_is_no_key_is_told_without_its_folder(tmp_path: Path) -> None:
    """The problem document goes to strangers."""
    (tmp_path / "odd.json").write_text("{}")
    with pytest.raises(RegistryUnavailable) as told:
        Keyring.open(tmp_path, now=DAY)
    assert told.value.where == "odd.json"


def test_what_we_did_not_sign_is_refused(tmp_path: Path) -> None:
    ring, stranger = Keyring.open(tmp_path / "ours", now=DAY), Keyring.open(tmp_path / "theirs", now=DAY)
    token = ring.sign(b"said", TYP)
    head, body, mark = token.split(".")
    for wrong in (stranger.sign(b"said", TYP), f"{head}.{body[:-2]}AA.{mark}", f"{head}.{body}.", "a.b.c", "", "é"):
        with pytest.raises(InvalidInput):
            ring.check(wrong, TYP)
    with pytest.raises(InvalidInput):
        ring.check(token, "other+jws")


def test_a_file_that_is_no_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(RegistryUnavailable) as error:
        Keyring.open(tmp_path, now=DAY)
    assert error.value.where.endswith("x.json")
