"""``annuaire audit`` and the checker that knows nothing of us, on what the real commands wrote."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing, redirect_stdout
from pathlib import Path

import factories as f
import pytest

from directory_service.cli import run
from directory_service.errors import RegistryUnavailable
from directory_service.following import logged
from directory_service.registry.engine import open_registry, reading
from directory_service.registry.journal import last_seq
from directory_service.settings import Settings
from directory_service.trust.keys import Keyring, Keys

CHECKER = Path(__file__).parents[2] / "contrib/transparency/check_log.py"
BOX = "zoe@a.mssante.fr"
Call = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where two days were imported; the head of the first was kept.  Not to be changed: ``annuaire`` has a copy."""
    folder = tmp_path_factory.mktemp("two_days")
    said = io.StringIO()

    def call(*arguments: str) -> tuple[int, str]:
        said.truncate(said.seek(0))
        return run(arguments), said.getvalue()

    with pytest.MonkeyPatch.context() as here, redirect_stdout(said):
        here.setenv("ANNUAIRE_DATA", str(folder / "var"))
        here.chdir(folder)
        assert call("init")[0] == 0
        day(call, folder, 1, [f.mailbox(BOX, f.rpps(1))])
        (folder / "kept.head").write_text(call("log", "head")[1])
        day(call, folder, 2, [f.mailbox(BOX, f.rpps(1)), f.mailbox("lea@a.mssante.fr", f.rpps(2))])
    return folder


@pytest.fixture
def annuaire(
    two_days: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    shutil.copytree(two_days, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("ANNUAIRE_DATA", str(tmp_path / "var"))
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str]:
        code = run(arguments)
        return code, capsys.readouterr().out

    return call


def day(call, folder: Path, number: int, boxes: Sequence[dict[str, str]]) -> None:
    people = f.write_activity(folder / f"a{number}.txt", [f.activity(f.rpps(n)) for n in (1, 2)])
    file = f.write_mailboxes(folder / f"m{number}.txt", boxes)
    assert call("import", str(people), str(file), "--as-of", f"2026-11-0{number}")[0] == 0


def sql(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "var" / "registry.sqlite")) as db, db:
        db.execute(statement)


def check(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", CHECKER, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_imports_keep_the_log_and_nothing_is_found(annuaire) -> None:
    code, out = annuaire("audit", "--head", "kept.head", "--json")
    found = json.loads(out)
    assert (code, found["ok"], found["size"], found["heads"], found["bindings"]) == (0, True, 2, 2, 2)
    assert json.loads(annuaire("log", "append", "--json")[1])["leaves"] == 0


def test_a_rewritten_date_is_named_with_the_address_of_the_binding(annuaire, tmp_path: Path) -> None:
    sql(tmp_path, "UPDATE binding SET since = '2026-10-01T00:00:00Z' WHERE id = 1")
    code, out = annuaire("audit", "--json")
    named = {(x["table"], x["row"], x["address"]) for x in json.loads(out)["findings"]}
    assert code == 4 and ("binding", "1", BOX) in named


def test_signed_heads_that_were_taken_out_are_missed(annuaire, tmp_path: Path) -> None:
    sql(tmp_path, "DELETE FROM log_head")
    code, out = annuaire("audit", "--json")
    assert (code, [found["table"] for found in json.loads(out)["findings"]]) == (4, ["log_head"])


@pytest.mark.parametrize("octets", [b"\xff\xfe\x00", b"", b"{", b"[]", b"a.b.c"])
def test_a_kept_file_that_is_no_head_is_refused(annuaire, tmp_path: Path, octets: bytes) -> None:
    (tmp_path / "other.head").write_bytes(octets)
    assert annuaire("audit", "--head", "other.head")[0] == 2


def test_a_head_that_is_not_ours_is_refused(annuaire, tmp_path: Path) -> None:
    said, _, signature = (tmp_path / "kept.head").read_text().rpartition(".")
    (tmp_path / "kept.head").write_text(f"{said}.{'AB'[signature[0] == 'A']}{signature[1:]}")
    assert annuaire("audit", "--head", "kept.head")[0] == 2


def test_no_first_key_is_made_where_others_signed_the_log(annuaire, tmp_path: Path) -> None:
    """A folder that was not mounted: heads went on with a key that no audit of before knows."""
    keys, away = tmp_path / "var" / "keys", tmp_path / "away"
    keys.rename(away)
    keys.mkdir()
    day(annuaire, tmp_path, 3, [f.mailbox(BOX, f.rpps(2)), f.mailbox("lea@a.mssante.fr", f.rpps(2))])
    for command in (("audit",), ("log", "append"), ("keys", "list"), ("keys", "rotate", "--from", "2999-01-01")):
        assert annuaire(*command)[0] in (2, 5)
    with pytest.raises(RegistryUnavailable) as told:
        Keys(keys, registry=Settings(data=tmp_path / "var").registry_url).ring()
    assert str(keys) in str(told.value) and str(keys) not in told.value.message  # which strangers are told
    assert not any(keys.iterdir())
    keys.rmdir()
    away.rename(keys)
    assert json.loads(annuaire("log", "append", "--json")[1])["leaves"] == 2
    assert annuaire("audit")[0] == 0


def test_another_key_is_made_on_purpose_and_those_put_back_stand_beside_it(annuaire, tmp_path: Path) -> None:
    keys, away = tmp_path / "var" / "keys", tmp_path / "away"
    keys.rename(away)
    made = json.loads(annuaire("keys", "rotate", "--json")[1])["kid"]
    assert [path.name for path in keys.iterdir()] == [f"{made}.json"]
    day(annuaire, tmp_path, 3, [f.mailbox(BOX, f.rpps(2)), f.mailbox("lea@a.mssante.fr", f.rpps(2))])
    for path in away.iterdir():
        path.rename(keys / path.name)
    code, out = annuaire("audit", "--json")
    assert (code, json.loads(out)["heads"]) == (0, 3)


@pytest.mark.parametrize("form", [[], ["--hashes"]])
def test_a_third_party_checks_the_exported_log_without_us(annuaire, tmp_path: Path, form: list[str]) -> None:
    jwks = tmp_path / "jwks.json"
    jwks.write_text(json.dumps(Keyring.open(tmp_path / "var" / "keys", now="").jwks()))
    assert annuaire("log", "export", "log.ndjson", *form)[0] == 0
    leaves, heads = tmp_path / "log.ndjson", [tmp_path / "log.ndjson.head", tmp_path / "kept.head"]
    done = check(leaves, jwks, *heads)
    assert done.returncode == 0 and done.stdout.count(": right") == 2, done.stderr
    assert annuaire("audit", "--file", "log.ndjson", "--head", "kept.head", "--jwks", "jwks.json")[0] == 0
    octets = bytearray(leaves.read_bytes())
    for other, why in (
        (b"01"[octets[5] == ord("0")], "are not those that were signed"),
        (ord("x"), "neither an event nor"),
    ):
        octets[5] = other
        leaves.write_bytes(octets)
        done = check(leaves, jwks, *heads)
        assert done.returncode == 1 and (why in done.stderr or not form)
        unread = bool(form) and other == ord("x")
        assert annuaire("audit", "--file", "log.ndjson", "--jwks", "jwks.json")[0] == (2 if unread else 4)


def test_the_checker_refuses_another_signature(annuaire, tmp_path: Path) -> None:
    other = Keyring.open(tmp_path / "others", now="").jwks()["keys"][0]
    ours = Keyring.open(tmp_path / "var" / "keys", now="").jwks()["keys"][0]
    jwks = tmp_path / "jwks.json"
    jwks.write_text(json.dumps({"keys": [{**other, "kid": ours["kid"]}]}))
    annuaire("log", "export", "log.ndjson")
    done = check(tmp_path / "log.ndjson", jwks, tmp_path / "kept.head")
    assert done.returncode == 1 and "signature is wrong" in done.stderr


def test_the_follower_keeps_the_log_once_the_index_is_up_to_date(annuaire, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "var")
    sql(tmp_path, "UPDATE binding SET until = '2026-11-20T00:00:00Z' WHERE id = 1")
    sql(
        tmp_path,
        "INSERT INTO journal (at, actor, kind, subject, subject_id) VALUES ('2026-11-20', 'x', 'close', 'mailbox', 1)",
    )
    engine = open_registry(settings.registry_url)
    with reading(engine) as connection:
        last = last_seq(connection)
    tell = logged(engine, settings)
    tell(last, last - 1)
    assert json.loads(annuaire("audit", "--json")[1])["pending"] == 1
    tell(last, last)
    engine.dispose()
    found = json.loads(annuaire("audit", "--json")[1])
    assert (found["pending"], found["size"], found["found"]) == (0, 3, 0)
