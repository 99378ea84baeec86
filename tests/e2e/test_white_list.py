"""The trusted space by the real command: a sample's signed list, its operators by hand, our own list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import whitelist_world as world
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from e2e.installation import Installation

LIST, ANCHOR = "sample/confiance/liste_blanche.xml", "sample/confiance/ancre.pem"


def ask(here: Installation, *arguments: str, code: int = 0, **env: str) -> Any:
    return json.loads(here.run(*arguments, "--json", code=code, **env).stdout)


@pytest.fixture(scope="module")
def trusted(loaded: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The sample with its white list, whose anchor is in the settings."""
    here = loaded.copy(tmp_path_factory.mktemp("trusted") / "copy")
    done = here.run("import", LIST, code=3)
    assert "ANNUAIRE_TRUST_ANCHORS" in done.stderr
    here.env["ANNUAIRE_TRUST_ANCHORS"] = ANCHOR
    report = ask(here, "import", LIST)
    assert report["files"][0]["layout"] == "mssante.whitelist"
    assert report["impact"]["trust"]["outside"]["mailboxes"] == 0
    here.run("index")
    return here


def mailbox(here: Installation) -> tuple[str, str]:
    """An address of an active holder, and the operator that holds its domain alone."""
    people = map(json.loads, here.run("export", "ndjson").stdout.splitlines())
    boxes = (box for person in people if person["status"] == "active" for box in person["mailboxes"])
    return next((box["address"], box["operator"]) for box in boxes if box["operator"])


def test_a_list_is_one_run_that_changes_nothing_the_second_time(trusted: Installation) -> None:
    assert ask(trusted, "import", LIST)["status"] == "unchanged"
    assert "déjà importé, inchangé" in trusted.run("import", "sample/confiance").stdout
    assert "opérateurs" in trusted.run("runs", "show", "2").stdout


def test_a_suspended_operator_takes_its_domains_out_of_trust(trusted: Installation) -> None:
    address, name = mailbox(trusted)
    assert ask(trusted, "operator", "suspend", name) == {"name": name, "changed": True}
    trusted.run("index")
    told = ask(trusted, "verify", address, code=4)
    assert told["verdict"] == "untrusted_domain"
    assert [r["code"] for r in told["reasons"]] == ["domain_left", "domain_untrusted"]
    assert ask(trusted, "operator", "show", name)["status"] == "suspended"
    assert ask(trusted, "operator", "resume", name)["changed"]
    assert not ask(trusted, "operator", "resume", name)["changed"]
    trusted.run("index")
    assert ask(trusted, "verify", address)["verdict"] == "verified"
    shown = trusted.run("operator", "show", name).stdout
    assert "suspensions : du " in shown and "liste blanche" in shown


def test_what_the_list_does_not_carry_is_given_by_hand(trusted: Installation) -> None:
    trusted.run("operator", "add", "main", "--domain", "main.mssante.fr")
    trusted.run("operator", "contact", "main", "--support", "0100000000")
    trusted.run("operator", "contact", "main", code=2)
    trusted.run("operator", "subject", "main", "CN=mss.main.example,C=FR")
    trusted.run("operator", "subject", "main", "rien", code=2)
    told = ask(trusted, "operator", "show", "main")
    assert told["contacts"]["support"] == "0100000000" and told["subjects"] == ["CN=mss.main.example,C=FR"]
    theirs = next(o for o in ask(trusted, "operator", "list")["operators"] if o["source"] == "whitelist")
    trusted.run("operator", "domain", theirs["name"], theirs["domains"][0], "--remove", code=2)
    assert ask(trusted, "operator", "domain", "main", "main.mssante.fr", "--remove")["changed"]
    trusted.run("operator", "show", "personne", code=4)


def test_our_own_list_is_signed_and_comes_back_unchanged(trusted: Installation, tmp_path: Path) -> None:
    trusted.run("export", "whitelist", "--out", "a.xml", code=2)
    key = world.key(2).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    sealed, private = tmp_path / "sceau.pem", tmp_path / "cle.pem"
    sealed.write_bytes(world.pem(*world.seal(2).chain))
    private.write_bytes(key)
    seal = {"ANNUAIRE_SIGNING_CERTIFICATE": str(sealed), "ANNUAIRE_SIGNING_KEY": str(private)}
    trusted.run("export", "whitelist", code=2, **seal)
    out = str(tmp_path / "liste.xml")
    trusted.run("index")
    assert ask(trusted, "export", "whitelist", "--out", out, **seal)["records"] > 50
    trusted.run("import", out, code=3)  # our certificate is no anchor yet
    assert ask(trusted, "import", out, ANNUAIRE_TRUST_ANCHORS=str(sealed))["status"] == "unchanged"
    trusted.run("import", LIST, code=3)  # older than what was just accepted
