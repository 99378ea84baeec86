"""A structure is found whichever way its kind is written, short (*CHU*) or in full, by the user and in the registry.
And by its SIREN, which is how a SIRET begins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest
from flask.testing import FlaskClient
from index_world import write_index
from record_factories import SUFFIX, make_organization, make_practitioner, make_role

from directory_service.entries.people import practitioner_entry
from directory_service.entries.structures import organization_entry
from directory_service.index.directory import Directory
from directory_service.web.app import create_app

NAMES = {
    1: "CHU DE PARIS 01",
    2: "CENTRE HOSPITALIER UNIVERSITAIRE DE ROUEN",
    3: "CHR METZ",
    4: "CH DE FLERS",
    5: "CLINIQUE CHARCOT",
}
SIREN = "267500452"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    entries = []
    for pk, name in NAMES.items():
        structure = make_organization(pk, name=name, siret=f"{SIREN}0000{pk}" if pk < 3 else "")
        person = make_practitioner(pk, roles=[make_role(structure)])
        entries += [organization_entry(structure, [], SUFFIX), practitioner_entry(person, [], SUFFIX)]
    folder: Path = tmp_path_factory.mktemp("kinds")
    with closing(Directory(write_index(folder, entries), SUFFIX)) as directory:
        yield create_app(directory).test_client()


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("chu de paris", 1),
        ("chu paris", 1),
        ("centre hospitalier universitaire de paris", 1),
        ("Centre Hospitalier Universitaire de Paris 01", 1),
        ("CHRU Paris 01", 1),
        ("chu de rouen", 2),
        ("CHU ROUEN", 2),
        ("centre hospitalier régional de Metz", 3),
        ("chr metz", 3),
        ("centre hospitalier de flers", 4),
        ("hôpital de Flers", 4),
        ("ch flers", 4),
    ],
)
def test_a_kind_is_found_in_any_way_of_writing_it(client: FlaskClient, said: str, meant: int) -> None:
    query = orjson.dumps({"query": said, "type": "organization"}).decode()
    proposed = client.post("/v1/reconcile", data={"query": query}).json["result"]
    assert proposed[:1] and proposed[0]["name"] == NAMES[meant]
    found = client.get("/v1/search", query_string={"structure": said}).json
    assert [item["id"] for item in found["items"]] == [make_practitioner(meant).national_id]


def test_a_short_kind_is_a_word_and_no_letters_of_another(client: FlaskClient) -> None:
    found = client.get("/v1/search", query_string={"structure": "ch charcot"}).json
    assert found["total"] == 0


def test_a_name_in_full_is_the_short_one_and_another_kind_is_not(client: FlaskClient) -> None:
    def way(said: str) -> str:
        query = orjson.dumps({"query": said, "type": "organization"}).decode()
        best = client.post("/v1/reconcile", data={"query": query}).json["result"][0]
        return str(next(f["value"] for f in best["features"] if f["id"] == "structure_name"))

    assert way("centre hospitalier universitaire de Paris 01") == way("CHU DE PARIS 01") != way("CH Paris 01")


@pytest.mark.parametrize("siren", [SIREN, f"{SIREN[:3]} {SIREN[3:]}"])
def test_a_siren_finds_who_works_in_any_of_its_establishments(client: FlaskClient, siren: str) -> None:
    found = client.get("/v1/search", query_string={"structure": siren}).json
    assert (found["total"], found["total_exact"]) == (2, True)
