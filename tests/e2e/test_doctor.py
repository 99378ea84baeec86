"""``annuaire doctor``: well when all is well, and clear when something is not."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from certificates import Authority
from e2e.installation import Installation, free_port, start

# What can be well without data: nothing is set.
OF_NO_DATA = ["signataire", "clés", "certificats", "révocation", "ports TLS", "service de politique"]


def by_name(text: str) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in json.loads(text)["checks"]}


def checks(text: str) -> dict[str, bool]:
    return {name: check["ok"] for name, check in by_name(text).items()}


NONE_DUE = {"ANNUAIRE_SOURCE_RHYTHMS": ""}  # samples are of August 2026


def test_all_is_well(served: Installation) -> None:
    assert all(checks(served.run("doctor", "--json", **NONE_DUE).stdout).values())
    assert "mêmes réponses\toui" in served.run("doctor", **NONE_DUE).stdout


def test_ports_that_expect_headers_of_this_machine_answer(loaded: Installation, tmp_path: Path) -> None:
    """A balancer beside the service: the doctor's own connections would be closed without one."""
    behind = {"ANNUAIRE_LDAP_PROXIES": "127.0.0.1 ::1",
              "ANNUAIRE_LDAP_TLS_CERTIFICATE": str(Authority(tmp_path, "Port").server())}  # fmt: skip
    here = loaded.copy(tmp_path / "copy")
    here.env.update(behind)
    server = start(here)
    try:
        server.wait_for("Ctrl-C")
        found = checks(here.run("doctor", "--json", code=5, **NONE_DUE).stdout)
        assert [name for name, ok in found.items() if not ok] == ["clés", "certificats"]  # of a test, and for a day
    finally:
        assert server.stop() == 0, server.said


def test_a_service_that_has_no_answers_for_strangers_is_well(
    served: Installation, loaded: Installation, tmp_path: Path
) -> None:
    """The doctor, a stranger itself, took the refusal for an answer that differs."""
    closed = {"ANNUAIRE_LDAP_ALLOW_ANONYMOUS": "false"}
    same = by_name(served.run("doctor", "--json", code=5, **NONE_DUE, **closed).stdout)["mêmes réponses"]
    assert not same["ok"] and "redémarrez" in same["detail"]
    here = loaded.copy(tmp_path / "copy")
    here.env.update(closed)
    server = start(here)
    try:
        server.wait_for("Ctrl-C")
        found = checks(here.run("doctor", "--json", **NONE_DUE).stdout)
        assert all(found.values())
    finally:
        assert server.stop() == 0, server.said


def test_sources_that_fell_silent_are_told_though_their_files_were_read_today(served: Installation) -> None:
    found = by_name(served.run("doctor", "--json", code=5).stdout)
    assert [name for name, check in found.items() if not check["ok"]] == ["sources"]
    assert "mssante.mailboxes : dernière extraction du 2026-08-25" in found["sources"]["detail"]
    assert "données reçues il y a 0," in found["âge des données"]["detail"]  # less than an hour


def test_a_source_that_is_expected_by_a_name_that_none_has_is_told(served: Installation) -> None:
    """It would never be silent, and nobody would know that nobody watches the right one."""
    rhythms = {"ANNUAIRE_SOURCE_RHYTHMS": "rpps.activty=36 mssante.mailboxes=1000000"}
    found = by_name(served.run("doctor", "--json", **rhythms).stdout)
    assert found["sources"]["detail"].endswith("jamais lues : rpps.activty (réglage source_rhythms)")


def test_a_registry_restored_from_a_backup_is_told_until_the_index_follows(
    loaded: Installation, tmp_path: Path
) -> None:
    """The index was further on than the registry: that was said to be up to date."""
    here = loaded.copy(tmp_path / "copy")
    registry, backup = here.folder / "var" / "registry.sqlite", here.folder / "backup.sqlite"
    with closing(sqlite3.connect(registry)) as db:
        db.execute("VACUUM INTO ?", (str(backup),))
    here.run("operator", "add", "essai")
    here.run("index")
    backup.replace(registry)
    assert "restauré : lancez `annuaire index`" in here.run("doctor", code=5).stdout
    here.run("index")
    assert "fraîcheur\toui" in here.run("doctor", code=5).stdout


def test_an_index_that_is_damaged_is_told(loaded: Installation, tmp_path: Path) -> None:
    here = loaded.copy(tmp_path / "copy")
    build = (here.folder / "var" / "index" / "current").resolve()
    with build.open("r+b") as file:
        file.truncate(build.stat().st_size // 100)
    found = {c["name"]: c["detail"] for c in json.loads(here.run("doctor", "--json", code=5).stdout)["checks"]}
    assert found["index"] == "l'index est illisible : lancez `annuaire index --rebuild`"
    assert "annuaire index --rebuild" in here.run("search", "Martin", code=5).stderr
    here.run("index", "--rebuild")
    here.run("search", "Martin")


def test_a_part_of_the_index_that_nobody_asks_for_is_looked_at_too(loaded: Installation, tmp_path: Path) -> None:
    here = loaded.copy(tmp_path / "copy")
    assert checks(here.run("doctor", "--json", code=5).stdout)["intégrité de l'index"]
    build = (here.folder / "var" / "index" / "current").resolve()
    with build.open("r+b") as file:
        file.seek(build.stat().st_size // 2)
        file.write(bytes(build.stat().st_size // 4))
    found = by_name(here.run("doctor", "--json", code=5).stdout)
    assert found["index"]["ok"] and "annuaire index --rebuild" in found["intégrité de l'index"]["detail"]
    here.run("index", "--rebuild")
    assert checks(here.run("doctor", "--json", code=5).stdout)["intégrité de l'index"]


def test_numbers_are_written_as_elsewhere(loaded: Installation) -> None:
    done = loaded.run("doctor", "--json", code=5, ANNUAIRE_LDAP_CONNECTIONS="2000000000")
    told = {c["name"]: c["detail"] for c in json.loads(done.stdout)["checks"]}["réglages"]
    assert re.search(r"pour 2 000 000 \d{3} voulus", told), told


def test_keys_that_were_lost_are_told_and_none_is_made(loaded: Installation, tmp_path: Path) -> None:
    here = loaded.copy(tmp_path / "copy")
    keys, away = here.folder / "var" / "keys", tmp_path / "away"
    keys.rename(away)
    for made in (False, True):
        found = by_name(here.run("doctor", "--json", code=5).stdout)
        assert not found["journal signé"]["ok"] and "remettez-y" in found["journal signé"]["detail"]
        assert keys.exists() == made
        if not made:
            assert str(keys) in here.run("keys", "list", code=5).stderr and not keys.exists()
            here.run("keys", "rotate")  # the one that makes a key there
    for file in away.iterdir():
        file.rename(keys / file.name)
    assert checks(here.run("doctor", "--json", code=5).stdout)["journal signé"]


def test_a_face_that_is_down_is_told_apart(served: Installation) -> None:
    done = served.run("doctor", "--json", code=5, ANNUAIRE_LDAP_PORT=str(free_port()), **NONE_DUE)
    found = checks(done.stdout)
    assert not found.pop("service LDAP")
    assert not found.pop("mêmes réponses")
    assert all(found.values())


def test_ports_that_are_set_and_answer_nothing_are_told(served: Installation, tmp_path: Path) -> None:
    ports = {"ANNUAIRE_HTTPS_PORT": str(free_port()), "ANNUAIRE_POLICY_PORT": str(free_port())}
    found = checks(served.run("doctor", "--json", code=5, ANNUAIRE_POLICY_OPERATOR="essai", **ports, **NONE_DUE).stdout)
    assert [name for name, ok in found.items() if not ok] == ["ports TLS", "service de politique"]


def test_a_policy_operator_that_nobody_is_named_or_that_holds_nothing_is_told(served: Installation) -> None:
    port = {"ANNUAIRE_POLICY_PORT": str(free_port())}
    unknown = served.run("doctor", code=5, ANNUAIRE_POLICY_OPERATOR="essay", **port).stdout
    assert "aucun opérateur ne s'appelle essay : tout le courrier passe" in unknown
    refused = served.run("serve", "policy", code=2, ANNUAIRE_POLICY_OPERATOR="essay", **port).stderr
    assert "policy_operator" in refused and "aucun opérateur" in refused


def test_keys_certificates_and_lists_that_need_somebody_are_told(served: Installation, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "Fin")
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "a.json").write_text("{}")
    (keys / "a.json").chmod(0o644)
    env = {"ANNUAIRE_KEYS": str(keys), "ANNUAIRE_TRUST_ANCHORS": str(authority.path), "ANNUAIRE_SMIME_CRL": str(keys)}
    found = checks(served.run("doctor", "--json", code=5, **env, **NONE_DUE).stdout)
    assert [name for name, ok in found.items() if not ok] == [
        "signataire",
        "clés",
        "journal signé",
        "certificats",
        "révocation",
    ]


def test_a_file_of_the_settings_that_is_missing_is_named(loaded: Installation) -> None:
    """It was ``FileNotFoundError : No such file or directory``."""
    told = json.loads(loaded.run("doctor", "--json", code=5, ANNUAIRE_TRUST_ANCHORS="/nowhere/igc.pem").stdout)[
        "checks"
    ]
    found = {c["name"]: c["detail"] for c in told}
    for check in ("signataire", "certificats"):
        assert found[check] == "/nowhere/igc.pem : ce fichier n'existe pas"


def test_an_empty_folder_fails_every_check_but_none_hides_another(loaded: Installation, tmp_path: object) -> None:
    ports = {"ANNUAIRE_LDAP_PORT": str(free_port()), "ANNUAIRE_HTTP_PORT": str(free_port())}
    done = loaded.run("doctor", "--json", code=5, ANNUAIRE_DATA=f"{tmp_path}/nowhere", **ports)
    assert [name for name, ok in checks(done.stdout).items() if ok] == OF_NO_DATA


def test_a_registry_without_tables_fails_no_check_but_its_own(loaded: Installation, tmp_path: Path) -> None:
    """As an empty database of a server is, before ``init``, or an older one after an upgrade: it was an internal fault,
    and nothing else was told."""
    (tmp_path / "empty.sqlite").touch()
    done = loaded.run("doctor", "--json", code=5, ANNUAIRE_DATABASE_URL=f"sqlite:///{tmp_path}/empty.sqlite")
    told = {c["name"]: c["detail"] for c in json.loads(done.stdout)["checks"] if not c["ok"]}
    assert "annuaire init" in told["registre"] and "annuaire init" in told["journal signé"]


def test_a_service_that_does_not_run_is_told_in_french(loaded: Installation) -> None:
    """It was ``LDAPSocketOpenError : socket connection error while opening: [Errno 111] Connection refused``."""
    ports = {f"ANNUAIRE_{face}_PORT": str(free_port()) for face in ("LDAP", "HTTP")}
    told = json.loads(loaded.run("doctor", "--json", code=5, **ports).stdout)["checks"]
    found = {c["name"]: c["detail"] for c in told}
    for service in ("service LDAP", "service HTTP", "mêmes réponses"):
        assert found[service] == "connexion refusée : le service est-il lancé (`annuaire serve`) ?"
