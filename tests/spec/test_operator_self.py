"""What an operator changes of itself over HTTP: contacts, secret; and nothing of another, nor what the staff give."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from publication_world import Publishing
from registry_factories import CHEAP
from sqlalchemy import Engine, update
from werkzeug.test import TestResponse

from directory_service.registry import minting, operators
from directory_service.registry.engine import reading, writing
from directory_service.registry.journal import read_after
from directory_service.registry.tables import operator


@pytest.fixture
def here(registry: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publishing]:
    """Whose secrets are quick to make and to verify."""
    monkeypatch.setattr(minting, "_hasher", CHEAP)
    with closing(Publishing(registry, tmp_path)) as found:
        yield found


def ask(here: Publishing, method: str, path: str, secret: str | None = None, **body: object) -> TestResponse:
    secret = here.secret if secret is None else secret
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    answer = here.client.open(f"/v1/operators/{path}", method=method, headers=headers, json=body or None)
    here.follower.catch_up()
    return answer


def test_an_operator_gives_its_contacts_and_operators_alone_see_them(here: Publishing) -> None:
    given = {"responsible": "Zoé Essai", "support": "01 00 00 00 00"}
    assert ask(here, "PUT", "essai/contacts", **given).json == {"name": "essai", "changed": True, "contacts": given}
    assert ask(here, "PUT", "essai/contacts", **given).json["changed"] is False
    assert ask(here, "GET", "essai", secret=here.other).json["contacts"]["responsible"] == "Zoé Essai"
    assert "contacts" not in here.client.get("/v1/operators/essai").json
    ask(here, "PUT", "essai/contacts", support="02")
    assert ask(here, "GET", "essai").json["contacts"]["responsible"] == ""  # in full: what is left out goes
    with reading(here.engine) as connection:
        assert "Zoé" not in repr(read_after(connection, 0, 10_000))
    assert ask(here, "PUT", "essai/contacts", domains=["x.fr"]).status_code == 400
    assert ask(here, "PUT", "essai/contacts", support="a\nb").status_code == 400


def test_the_old_secret_opens_for_a_while_in_case_that_the_answer_is_lost(here: Publishing) -> None:
    lost = ask(here, "POST", "essai/secret").json["secret"]
    again = ask(here, "POST", "essai/secret").json["secret"]  # with the old one
    assert [ask(here, "GET", "essai", secret=s).status_code for s in (here.secret, lost, again)] == [200, 401, 200]
    last = ask(here, "POST", "essai/secret", secret=again).json["secret"]
    assert [ask(here, "GET", "essai", secret=s).status_code for s in (here.secret, again, last)] == [401, 200, 200]
    with writing(here.engine) as connection:
        connection.execute(update(operator).values(former_until="2026-01-01T00:00:00Z"))
        operators.set_contacts(connection, "essai", actor="tests", responsible="x", support="")
    # The index does not know yet that the time is over: the registry does.
    answer = here.client.post("/v1/operators/essai/secret", headers={"Authorization": f"Bearer {again}"})
    assert answer.status_code == 403
    here.follower.catch_up()
    assert [ask(here, "GET", "essai", secret=s).status_code for s in (again, last)] == [401, 200]


def test_a_secret_that_was_replaced_before_the_index_knows_changes_nothing(here: Publishing) -> None:
    with writing(here.engine) as connection:
        made = operators.set_secret(connection, "essai", actor="tests")  # the staff's: no other opens
    answer = here.client.post("/v1/operators/essai/secret", headers={"Authorization": f"Bearer {here.secret}"})
    assert answer.status_code == 403
    here.follower.catch_up()
    assert [ask(here, "GET", "essai", secret=s).status_code for s in (here.secret, made)] == [401, 200]


def test_a_new_secret_opens_and_the_journal_does_not_hold_it(here: Publishing) -> None:
    answer = ask(here, "POST", "essai/secret")
    made = answer.json["secret"]
    assert answer.headers["Cache-Control"] == "no-store" and made.startswith("essai.") and made != here.secret
    assert ask(here, "GET", "essai", secret=made).status_code == 200
    with reading(here.engine) as connection:
        told = [e for e in read_after(connection, 0, 10_000) if e.subject == "operator"][-1]
    assert (told.kind, told.actor, made in repr(told)) == ("secret", "essai", False)


@pytest.mark.parametrize(("method", "what"), [("PUT", "contacts"), ("POST", "secret")])
def test_nobody_changes_what_is_another_s(here: Publishing, method: str, what: str) -> None:
    body = {"support": "x"} if what == "contacts" else {}
    others, absent = (ask(here, method, f"{name}/{what}", **body) for name in ("autre", "personne"))
    assert (others.status_code, others.json["detail"]) == (403, absent.json["detail"])
    assert ask(here, method, f"essai/{what}", secret="", **body).status_code == 401
    with writing(here.engine) as connection:
        operators.suspend(connection, "essai", actor="tests")
    headers = {"Authorization": f"Bearer {here.secret}"}  # the index does not know yet
    answer = here.client.open(f"/v1/operators/essai/{what}", method=method, headers=headers, json=body or None)
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["essai", "essai/domains", "essai/rights", "essai/certificates"])
def test_what_the_staff_give_is_not_taken(here: Publishing, path: str) -> None:
    assert {ask(here, m, path, x="y").status_code for m in ("PUT", "POST", "PATCH")} <= {404, 405}
