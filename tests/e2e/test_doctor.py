"""``annuaire doctor``: well when all is well, and clear when something is not."""

from __future__ import annotations

import json
from pathlib import Path

from certificates import Authority
from e2e.installation import Installation, free_port

# What can be well without data: nothing is set.
OF_NO_DATA = ["signataire", "clés", "certificats", "révocation", "ports TLS", "service de politique"]


def checks(text: str) -> dict[str, bool]:
    return {check["name"]: check["ok"] for check in json.loads(text)["checks"]}


def test_all_is_well(served: Installation) -> None:
    assert all(checks(served.run("doctor", "--json").stdout).values())
    assert "mêmes réponses\toui" in served.run("doctor").stdout


def test_a_face_that_is_down_is_told_apart(served: Installation) -> None:
    done = served.run("doctor", "--json", code=5, ANNUAIRE_LDAP_PORT=str(free_port()))
    found = checks(done.stdout)
    assert not found.pop("service LDAP")
    assert not found.pop("mêmes réponses")
    assert all(found.values())


def test_ports_that_are_set_and_answer_nothing_are_told(served: Installation, tmp_path: Path) -> None:
    ports = {"ANNUAIRE_HTTPS_PORT": str(free_port()), "ANNUAIRE_POLICY_PORT": str(free_port())}
    found = checks(served.run("doctor", "--json", code=5, ANNUAIRE_POLICY_OPERATOR="essai", **ports).stdout)
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
    found = checks(served.run("doctor", "--json", code=5, **env).stdout)
    assert [name for name, ok in found.items() if not ok] == ["signataire", "clés", "certificats", "révocation"]


def test_an_empty_folder_fails_every_check_but_none_hides_another(loaded: Installation, tmp_path: object) -> None:
    ports = {"ANNUAIRE_LDAP_PORT": str(free_port()), "ANNUAIRE_HTTP_PORT": str(free_port())}
    done = loaded.run("doctor", "--json", code=5, ANNUAIRE_DATA=f"{tmp_path}/nowhere", **ports)
    assert [name for name, ok in checks(done.stdout).items() if ok] == OF_NO_DATA
