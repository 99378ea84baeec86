"""Whole exports over HTTP: for operators, resumable after a cut, signed, and followed by the feed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import web_world as world
from flask.testing import FlaskClient
from log_world import keyring
from werkzeug.test import TestResponse

from directory_service.cli import run
from directory_service.settings import Settings
from directory_service.trust.heads import EXPORT
from directory_service.web.app import create_app

FORMS = ("ndjson", "ldif", "csv", "mssante")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FlaskClient, dict[str, str], Path]]:
    folder = tmp_path_factory.mktemp("export")
    directory, secret = world.build_world(folder)
    for form in FORMS:
        assert run(["--data", str(folder), "export", form, "--publish"]) == 0
    client = create_app(directory, Settings(data=folder)).test_client()
    yield client, {"Authorization": f"Bearer {secret}"}, folder
    directory.close()


def fetch(client: FlaskClient, form: str, headers: dict[str, str]) -> TestResponse:
    """As a server does, which closes the file."""
    return client.get(f"/v1/export/{form}", headers=headers, buffered=True)


@pytest.mark.parametrize("form", FORMS)
def test_the_file_is_the_export_and_its_signature_says_so(opened, form: str, capsys) -> None:
    client, bearer, folder = opened
    answer = fetch(client, form, bearer)
    said = json.loads(keyring(folder).check(client.get(f"/v1/export/{form}/signature", headers=bearer).text, EXPORT))
    assert (said["sha256"], said["size"]) == (sha256(answer.data).hexdigest(), len(answer.data))
    assert (said["format"], said["build"]) == (form, answer.headers["Annuaire-Build"])
    assert run(["--data", str(folder), "export", form]) == 0
    assert capsys.readouterr().out.encode() == answer.data
    assert client.get(f"/v1/changes?since={said['cursor']}", headers=bearer).json["items"] == []


def test_a_fetch_goes_on_where_it_was_cut(opened) -> None:
    client, bearer, _ = opened
    whole = fetch(client, "ndjson", bearer)
    rest = fetch(client, "ndjson", {**bearer, "Range": "bytes=100-", "If-Range": whole.headers["ETag"]})
    assert (rest.status_code, rest.data) == (206, whole.data[100:])
    assert rest.headers["Content-Range"] == f"bytes 100-{len(whole.data) - 1}/{len(whole.data)}"


@pytest.mark.parametrize("asked", ["lines=1-2", "bytes=0-1,3-4", "bytes=5-1", "bytes=a-b", "bytes="])
def test_a_range_that_is_not_one_of_octets_is_ignored(opened, asked: str) -> None:
    """RFC 9110 14.2."""
    client, bearer, _ = opened
    answer = fetch(client, "csv", {**bearer, "Range": asked})
    assert (answer.status_code, answer.data) == (200, fetch(client, "csv", bearer).data)


def test_head_knows_no_range(opened) -> None:
    client, bearer, _ = opened
    assert client.head("/v1/export/csv", headers={**bearer, "Range": "bytes=0-1"}, buffered=True).status_code == 200


def test_a_range_past_the_end_is_told_with_the_size(opened) -> None:
    client, bearer, _ = opened
    size = len(fetch(client, "csv", bearer).data)
    answer = fetch(client, "csv", {**bearer, "Range": f"bytes={size}-"})
    assert (answer.status_code, answer.json["type"]) == (416, "/problems/range-not-satisfiable")
    assert answer.headers["Content-Range"] == f"bytes */{size}"


def test_a_file_that_has_changed_meanwhile_comes_whole(opened) -> None:
    client, bearer, _ = opened
    answer = fetch(client, "ndjson", {**bearer, "Range": "bytes=100-", "If-Range": '"another"'})
    assert answer.status_code == 200 and answer.headers["Accept-Ranges"] == "bytes"
    etag = answer.headers["ETag"]
    assert fetch(client, "ndjson", {**bearer, "If-None-Match": etag}).status_code == 304


def test_a_part_is_of_the_file_that_was_begun_or_of_none(opened) -> None:
    """RFC 9110 13.1.1: ``If-Match`` is what keeps parts of two files from being put together."""
    client, bearer, _ = opened
    etag = fetch(client, "ndjson", bearer).headers["ETag"]
    for more in ({}, {"Range": "bytes=0-9"}):
        refused = fetch(client, "ndjson", {**bearer, **more, "If-Match": '"another"'})
        assert (refused.status_code, refused.json["type"]) == (412, "/problems/precondition-failed")
    assert fetch(client, "ndjson", {**bearer, "Range": "bytes=0-9", "If-Match": etag}).status_code == 206
    assert fetch(client, "ndjson", {**bearer, "Range": "bytes=0-9", "If-None-Match": etag}).status_code == 304


def test_operators_alone_get_it(opened) -> None:
    client, bearer, folder = opened
    for tail in ("", "/signature"):
        assert client.get(f"/v1/export/ndjson{tail}").status_code == 401
        assert client.get(f"/v1/export/xlsx{tail}", headers=bearer).status_code == 404
    nobody = create_app(client.application.extensions["annuaire"].directory, Settings(data=folder / "empty"))
    assert nobody.test_client().get("/v1/export/ndjson", headers=bearer).status_code == 404


def test_the_former_file_stays_for_who_is_fetching_it(opened) -> None:
    _, _, folder = opened
    exports = folder / "exports"
    former = {f"csv-{n}" for n in (1, 2)}
    for name in former:
        (exports / name).write_text("x")
    kept = json.loads((exports / "csv.json").read_text())["file"]
    assert run(["--data", str(folder), "export", "csv", "--publish"]) == 0
    assert {file.name for file in exports.glob("csv-*")} == {kept}


def test_what_was_published_is_told_with_where_and_how_much(opened, capsys) -> None:
    client, bearer, folder = opened
    for form, what in (("mssante", "boîtes aux lettres"), ("ndjson", "professionnels")):
        assert run(["--data", str(folder), "export", form, "--publish"]) == 0
        told, shown = capsys.readouterr()
        lines = fetch(client, form, bearer).data.count(b"\n") - (form == "mssante")
        assert f"publié : {folder / 'exports' / form}-" in told and f"adresse HTTP : /v1/export/{form}\n" in told
        assert f"{what} : {lines}\n" in told and f"export {form} : terminé ({lines})" in shown


def test_a_file_of_ones_own_is_signed_beside(opened, tmp_path: Path) -> None:
    _, _, folder = opened
    file = tmp_path / "annuaire.csv"
    assert run(["--data", str(folder), "export", "csv", "--out", str(file), "--sign"]) == 0
    said = json.loads(keyring(folder).check((tmp_path / "annuaire.csv.jws").read_text().strip(), EXPORT))
    assert said["sha256"] == sha256(file.read_bytes()).hexdigest()
