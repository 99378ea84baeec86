"""``/v1/practitioners/{id}/mailboxes``, ``/v1/organizations/{id}/mailboxes`` and what suggestions say of homonyms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import web_world as world
from flask.testing import FlaskClient
from publication_world import BOX, OURS, ZOE, Publishing, personal
from sqlalchemy import Engine, update

from directory_service import cli
from directory_service.index.directory import Directory
from directory_service.index.query import View
from directory_service.index.writer import build_index
from directory_service.registry import operators
from directory_service.registry.engine import open_registry, writing
from directory_service.registry.tables import binding, mailbox
from directory_service.registry.upgrading import upgrade
from directory_service.trust.rightbox import Asked, practitioner_mailboxes
from directory_service.web.app import create_app

ZOE_BOX, OTHER_BOX = "zoe.d-essai@medecin.mssante.fr", "reprise@cabinet.mssante.fr"
PAUL_BOX = "cachee@medecin.mssante.fr"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Directory, str]]:
    folder = tmp_path_factory.mktemp("world")
    engine = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
    upgrade(engine)
    secret = world.fill(engine)
    with writing(engine) as connection:
        connection.execute(update(mailbox).where(mailbox.c.address == OTHER_BOX).values(purposes='["administrative"]'))
        connection.execute(update(binding).where(binding.c.mailbox_id == 6).values(preferred=True))
    build_index(engine, folder / "index", world.SUFFIX, workers=1)
    engine.dispose()
    directory = Directory(folder / "index", world.SUFFIX)
    yield directory, secret
    directory.close()


@pytest.fixture
def client(opened: tuple[Directory, str]) -> FlaskClient:
    return create_app(opened[0]).test_client()


def boxes(client: FlaskClient, person: str, query: str = "") -> dict[str, object]:
    answer = client.get(f"/v1/practitioners/{person}/mailboxes{query}")
    assert answer.status_code == 200
    return dict(answer.json)


def codes(item: dict[str, object]) -> list[str]:
    return [reason["code"] for reason in item["reasons"]]  # type: ignore[attr-defined]


def test_the_box_for_a_purpose_with_its_reasons(client: FlaskClient) -> None:
    found = boxes(client, world.ZOE, "?purpose=administrative")
    assert (found["recommended"], found["ambiguous"], found["would_decide"]) == (OTHER_BOX, False, [])
    first, second = found["items"]  # type: ignore[misc]
    assert codes(first) == ["purpose_published", "preferred", "type_per"]
    assert (second["address"], codes(second)) == (ZOE_BOX, ["activity_current", "type_per"])
    assert first["reasons"][0]["text"] == "l'opérateur destine la boîte à cet usage"
    assert second["structures"] == [{"id": f"1{world.HOSPITAL_FINESS}", "name": "CENTRE HOSPITALIER D'ESSAI"}]


def test_another_purpose_and_another_place_are_other_boxes(client: FlaskClient) -> None:
    assert boxes(client, world.ZOE, "?purpose=report")["recommended"] == ZOE_BOX
    asked = f"?structure={world.HOSPITAL_FINESS}"
    assert boxes(client, world.ZOE, asked)["recommended"] == ZOE_BOX


def test_an_address_out_of_trust_is_last_and_two_alike_are_ambiguous(client: FlaskClient) -> None:
    found = boxes(client, world.JEAN, "?purpose=report")
    assert (found["recommended"], found["ambiguous"]) == (None, True)
    assert [fact["code"] for fact in found["would_decide"]] == ["preferred"]  # type: ignore[union-attr]
    assert [i["fit"] for i in found["items"]] == ["yes", "yes", "no"]  # type: ignore[union-attr]
    assert codes(found["items"][2])[:2] == ["domain_untrusted", "type_per"]  # type: ignore[index]


def test_without_a_white_list_no_address_is_out_of_trust(tmp_path: Path) -> None:
    found, _ = world.build_world(tmp_path, white_list=False)
    with closing(found):
        items = boxes(create_app(found).test_client(), world.JEAN)["items"]
    assert not [i for i in items if "domain_untrusted" in codes(i)]  # type: ignore[union-attr]


def test_who_no_longer_practises_has_no_box_to_write_to(client: FlaskClient) -> None:
    found = boxes(client, world.MARIE)
    assert (found["recommended"], found["ambiguous"]) == (None, False)
    assert found["items"][0]["fit"] == "no"  # type: ignore[index]


def test_a_former_number_and_a_structure(client: FlaskClient) -> None:
    assert boxes(client, world.ZOE_ADELI)["resolved_from"] == "0" + world.ZOE_ADELI
    answer = client.get(f"/v1/organizations/{world.HOSPITAL_FINESS}/mailboxes?purpose=report").json
    assert answer["recommended"] == "cardiologie@ch-essai.mssante.fr"


def test_who_is_in_no_registry_is_found_by_the_number_that_the_source_wrote(client: FlaskClient) -> None:
    for number in world.BERTHE, "10inconnue@medecin.mssante.fr":
        found = boxes(client, number)
        assert (found["holder"], found["recommended"]) == (number, "inconnue@medecin.mssante.fr")
        answer = client.get(f"/v1/practitioners/{number}")
        assert answer.status_code == 404 and "/mailboxes" in answer.json["detail"]


def test_the_number_of_whose_only_box_is_unlisted_is_nobody_s(tmp_path: Path) -> None:
    engine = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    upgrade(engine)
    secret = world.fill(engine)
    with writing(engine) as connection:
        connection.execute(update(mailbox).where(mailbox.c.id == 9).values(unlisted=True))
    build_index(engine, tmp_path / "index", world.SUFFIX, workers=1)
    engine.dispose()
    with closing(Directory(tmp_path / "index", world.SUFFIX)) as directory:
        client = create_app(directory).test_client()
        for headers in ({}, {"Authorization": f"Bearer {secret}"}):
            for end in "", "/mailboxes":
                found, nobody = (
                    client.get(f"/v1/practitioners/{number}{end}", headers=headers)
                    for number in (world.BERTHE, world.BERTHE + "9")
                )
                assert found.status_code == 404 and found.data == nobody.data
        assert practitioner_mailboxes(directory, world.BERTHE, Asked(), View.STAFF)[1]["total"] == 1


def test_the_terminal_finds_who_is_in_no_registry_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world.build_world(tmp_path)[0].close()
    for number in world.BERTHE, "10inconnue@medecin.mssante.fr":
        for command in "show", "mailbox", "resolve":
            assert cli.run(["--data", str(tmp_path), command, number]) == 0
            assert "inconnue@medecin.mssante.fr" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("url", "status"),
    [
        (f"/v1/practitioners/{world.ZOE}/mailboxes?purpose=xyz", 400),
        (f"/v1/practitioners/{world.ZOE}/mailboxes?structure=999999999", 400),
        (f"/v1/practitioners/{world.ZOE}/mailboxes?q=1", 400),
        ("/v1/practitioners/810000000000/mailboxes", 404),
        ("/v1/organizations/000000000/mailboxes", 404),
    ],
)
def test_what_cannot_be_answered(client: FlaskClient, url: str, status: int) -> None:
    assert client.get(url).status_code == status


def test_an_unlisted_box_is_as_absent_but_for_the_staff(client: FlaskClient, opened: tuple[Directory, str]) -> None:
    bearer = {"Authorization": f"Bearer {opened[1]}"}
    for headers in ({}, bearer):
        found = client.get(f"/v1/practitioners/{world.PAUL}/mailboxes", headers=headers).json
        assert (found["items"], found["total"], found["recommended"], found["ambiguous"]) == ([], 0, None, False)
    _, staff = practitioner_mailboxes(opened[0], world.PAUL, Asked(), View.STAFF)
    assert (staff["recommended"], staff["items"][0]["unlisted"]) == (PAUL_BOX, True)


@pytest.mark.parametrize("registry_url", ["sqlite"], indirect=True)
def test_a_box_whose_operator_has_lost_the_domain_is_in_doubt(registry: Engine, tmp_path: Path) -> None:
    """Until who holds it now has published it."""
    with closing(Publishing(registry, tmp_path)) as here:
        here.put(BOX, personal(ZOE))
        for name, change in (("essai", operators.remove_domain), ("autre", operators.add_domain)):
            here.follower.catch_up()
            with writing(here.engine) as connection:
                change(connection, name, OURS, actor="tests")
            (before,) = boxes(here.client, ZOE)["items"]  # type: ignore[misc]
            assert "operator_changed" not in codes(before)
        here.follower.catch_up()
        (found,) = boxes(here.client, ZOE)["items"]  # type: ignore[misc]
        assert found["fit"] == "doubtful" and "operator_changed" in codes(found)
        here.delete(BOX, secret=here.other)
        here.put(BOX, personal(ZOE), secret=here.other)
        here.follower.catch_up()
        (found,) = boxes(here.client, ZOE)["items"]  # type: ignore[misc]
        assert found["fit"] == "yes" and "operator_changed" not in codes(found)


def test_of_many_boxes_the_first_are_shown_and_all_are_counted(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("directory_service.trust.rightbox.MOST_SHOWN", 1)
    found = boxes(client, world.JEAN)
    assert (len(found["items"]), found["total"]) == (1, 3)  # type: ignore[arg-type]


def test_the_answer_is_kept_by_its_tag(client: FlaskClient) -> None:
    url = f"/v1/practitioners/{world.ZOE}/mailboxes"
    tag = client.get(url).headers["ETag"]
    assert client.get(url, headers={"If-None-Match": tag}).status_code == 304


def test_suggestions_that_collide_say_what_tells_them_apart(client: FlaskClient) -> None:
    items = {i["address"]: i for i in client.get("/v1/suggest?q=dupont jean").json["items"]}
    shared = [i for i in client.get("/v1/suggest?q=dupont jean").json["items"] if i["address"].startswith("partage")]
    assert {i["grade"] for i in items.values()} == {"homonym"}
    assert {i["apart"] for i in shared} == {f"n° …{world.JEAN[-4:]}", f"n° …{world.JEAN_BIS[-4:]}"}
    only = client.get("/v1/suggest?q=zoe").json["items"][0]
    assert (only["grade"], only["apart"], only["mistaken"]) == ("distinct", None, [])


def test_a_namesake_who_is_not_in_the_answer_counts_too(client: FlaskClient) -> None:
    (item,) = client.get("/v1/suggest?q=jean.dupont@medecin").json["items"]
    assert (item["grade"], item["apart"]) == ("homonym", f"n° …{world.JEAN[-4:]}")


def test_an_unlisted_namesake_makes_nobody_a_homonym(tmp_path: Path) -> None:
    engine = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    upgrade(engine)
    world.fill(engine)
    with writing(engine) as connection:
        for key in (3, 2, 10):  # what is left of the two of that name is hidden, but for one box
            connection.execute(update(mailbox).where(mailbox.c.id == key).values(unlisted=key != 2))
    build_index(engine, tmp_path / "index", world.SUFFIX, workers=1)
    engine.dispose()
    directory = Directory(tmp_path / "index", world.SUFFIX)
    items = create_app(directory).test_client().get("/v1/suggest?q=dupont").json["items"]
    directory.close()
    assert [i["grade"] for i in items] == ["distinct"]


def test_people_found_say_the_same_of_each_other(client: FlaskClient) -> None:
    items = client.get("/v1/search?family=dupont").json["items"]
    assert [i["grade"] for i in items] == ["homonym", "homonym"]
    assert {i["apart"] for i in items} == {f"n° …{n[-4:]}" for n in (world.JEAN, world.JEAN_BIS)}
    assert "mailboxes" in items[0]
