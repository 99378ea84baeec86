"""``annuaire doctor``: well when all is well, and clear when something is not."""

from __future__ import annotations

import json

from e2e.installation import Installation, free_port


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


def test_an_empty_folder_fails_every_check_but_none_hides_another(loaded: Installation, tmp_path: object) -> None:
    ports = {"ANNUAIRE_LDAP_PORT": str(free_port()), "ANNUAIRE_HTTP_PORT": str(free_port())}
    done = loaded.run("doctor", "--json", code=5, ANNUAIRE_DATA=f"{tmp_path}/nowhere", **ports)
    assert not any(checks(done.stdout).values())
