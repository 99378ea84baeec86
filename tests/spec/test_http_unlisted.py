"""Liste rouge: two countries, of which one has unlisted mailboxes more, give anybody the same answers, whatever is
asked and by whichever face."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import web_world as world
from flask.testing import FlaskClient
from record_factories import SUFFIX
from werkzeug.test import TestResponse

from directory_service.index.directory import Directory
from directory_service.index.writer import build_index
from directory_service.registry.engine import open_registry
from directory_service.registry.upgrading import upgrade
from directory_service.web.app import create_app

# Of a homonym and nearly another's address, in another's domain, of the hospital itself.
HIDDEN = (
    (20, "jean.dupomt@medecin.mssante.fr", "PER", True, ((2, None, world.START, None),)),
    (21, "jean.dupont@cabinet.mssante.fr", "PER", True, ((3, None, world.START, None),)),
    (22, "secret.zone@ch-essai.mssante.fr", "APP", True, ((None, 1, world.START, None),)),
)
ADDRESSES = (*(box[1] for box in HIDDEN), "jean.dupont@medecin.mssante.fr", "jean.dupnt@cabinet.mssante.fr",
             "secret.zon@ch-essai.mssante.fr")  # fmt: skip
HEAD = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"'
TEXTS = ("jean", "dupont", "dupomt", "secret", "secret.zone", "@cabinet.mssante.fr", "jean dupont", *ADDRESSES)
RECORDS = (f"/v1/practitioners/{world.JEAN}", f"/v1/practitioners/{world.JEAN_BIS}",
           f"/v1/organizations/{world.HOSPITAL_FINESS}")  # fmt: skip
PAGES = (f"/professionnels/{world.JEAN}", f"/organisations/{world.HOSPITAL_FINESS}", f"/cartes/{world.JEAN}.svg", "/",
         "/v1/status")  # fmt: skip
JSON, FORM, XML = "application/json", "application/x-www-form-urlencoded", "text/xml"
Request = tuple[str, str, str, str]


def requests() -> Iterator[Request]:
    for text in TEXTS:
        for url in ("/v1/suggest?q={}", "/v1/search?q={}&facets=true&explain=true", "/?q={}",
                    "/v1/search?address={}&facets=true", "/v1/mailboxes?q={}&limit=1",
                    "/v1/mailboxes?address={}", "/v1/reconcile/suggest/entity?prefix={}"):  # fmt: skip
            yield "GET", url.format(text.replace(" ", "+")), "", ""
        match = f'<c:prop-filter name="EMAIL"><c:text-match>{text}</c:text-match></c:prop-filter>'
        asked = f"<d:prop><c:address-data/></d:prop><c:filter>{match}</c:filter>"
        yield "REPORT", "/carddav/livres/annuaire/contacts/", _xml("c:addressbook-query", asked), XML
        yield "POST", "/v1/match", json.dumps({"text": text}), JSON
        yield "POST", "/v1/reconcile", json.dumps({"query": {"query": text, "type": "mailbox"}}), JSON
    for address in ADDRESSES:
        for url in ("/v1/mailboxes/{}", "/v1/mailboxes/{}.vcf", "/v1/mailboxes/{}/history", "/boites/{}",
                    "/v1/mailboxes/{}?at=2026-03-01", "/v1/mailboxes/{}/certificates",
                    "/v1/reconcile/preview?id=mailboxes/{}"):  # fmt: skip
            yield "GET", url.format(address), "", ""
        for said in ({"address": address}, {"address": address, "name": "Jean Dupont"}):
            yield "POST", "/v1/match", json.dumps(said), JSON
            yield "POST", "/v1/verify", json.dumps(said), JSON
        yield "POST", "/verification", f"address={address}", FORM
        yield "POST", "/nettoyage", f"texte={address}%0Ajean dupont", FORM
        extend = {"ids": [f"mailboxes/{address}"], "properties": [{"id": "mailbox"}, {"id": "holder"}]}
        yield "POST", "/v1/reconcile", json.dumps({"extend": extend}), JSON
    for url in RECORDS:
        yield from (("GET", url + end, "", "") for end in ("", ".vcf", "/mailboxes", "/mailboxes?purpose=laboratory"))
    yield from (("GET", url, "", "") for url in PAGES)
    yield "GET", "/v1/search?type=APP&q=hopital&facets=true", "", ""
    book = f"/carddav/livres/{world.HOSPITAL_FINESS}/contacts/"
    yield "REPORT", book, _xml("d:sync-collection", "<d:sync-token/><d:prop><c:address-data/></d:prop>"), XML


def _xml(name: str, body: str) -> str:
    return f"<{name} {HEAD}>{body}</{name}>"


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FlaskClient, FlaskClient]]:
    opened = []
    for more in ((), HIDDEN):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(world, "_BOXES", (*world._BOXES, *more))
            opened.append(_built(tmp_path_factory.mktemp("unlisted")))
    yield create_app(opened[0]).test_client(), create_app(opened[1]).test_client()
    for directory in opened:
        directory.close()


def _built(folder: Path) -> Directory:
    engine = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
    upgrade(engine)
    world.fill(engine)
    build_index(engine, folder / "index", SUFFIX, workers=1)
    engine.dispose()
    return Directory(folder / "index", SUFFIX)


def told(answer: TestResponse) -> tuple[int, str]:
    """Builds, instants and ages aside."""
    body = gzip.decompress(answer.data) if "Content-Encoding" in answer.headers else answer.data
    moving = r'\d{8}T\d+[\w.%-]*|\d{4}-\d\d-\d\dT[\d:.Z+]+|"age_seconds":\d+'
    return answer.status_code, re.sub(moving, "*", body.decode())


@pytest.mark.parametrize("who", ["anybody", "operator"])
def test_unlisted_mailboxes_change_no_answer(twins: tuple[FlaskClient, FlaskClient], who: str) -> None:
    """Nor any to the operator that published them, but to the questions that name them (``verify``)."""
    differing, refused = [], []
    asked = [r for r in requests() if who == "anybody" or r[1] != "/v1/verify"]
    if who == "operator":
        asked += [("GET", url, "", "") for url in ("/v1/changes?limit=1000", f"/v1/operators/{world.OPERATOR}")]
    headers = {"Authorization": f"Bearer {world.OPERATOR}.essai"} if who == "operator" else {}
    for method, url, body, kind in asked:
        sent = {"method": method, "data": body, "content_type": kind or None, "headers": headers}
        one, other = (told(c.open(url, **sent)) for c in twins)
        if one != other:
            differing.append((method, url, body))
        if one[0] not in (200, 207, 404):  # what is not understood says nothing of what is hidden
            refused.append((one[0], method, url, body))
    assert differing == []
    assert refused == []
