"""What is not sent twice over HTTP, to whom, and for how long it may be kept (RFC 9110 13, RFC 9111)."""

from __future__ import annotations

import gzip
from contextlib import closing
from pathlib import Path

import pytest
import web_world as world
from flask.testing import FlaskClient

from directory_service.web.app import create_app

ZOE_BOX = "zoe.d-essai@medecin.mssante.fr"


@pytest.mark.parametrize("url", ["/v1/suggest?q=dup", "/v1/search?q=dupont", f"/v1/practitioners/{world.ZOE}"])
def test_the_same_build_is_not_sent_twice(client: FlaskClient, url: str) -> None:
    first = client.get(url)
    assert first.headers["Vary"].split(", ")[0] == "Authorization" and "public" in first.headers["Cache-Control"]
    again = client.get(url, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert client.get(url, headers={"If-None-Match": '"other"'}).data == first.data
    several = f'"other", W/{first.headers["ETag"]}'
    assert client.get(url, headers={"If-None-Match": several}).status_code == 304


@pytest.mark.parametrize(
    "url",
    [
        "/v1/practitioners/10999999999", "/v1/organizations/690999999", "/v1/operators/nobody",
        "/v1/domains/nowhere.fr", "/v1/mailboxes/nobody@nowhere.fr", "/v1/mailboxes/nobody@nowhere.fr/history",
        f"/v1/mailboxes/{ZOE_BOX}?at=2001-01-01",
    ],
)  # fmt: skip
def test_what_is_not_there_is_404_whatever_tag_is_shown(client: FlaskClient, url: str) -> None:
    """RFC 9110 13.2.1: a condition counts only where the answer would be a success without it."""
    tag = client.get("/v1/suggest?q=dup").headers["ETag"]
    assert client.get(url).status_code == client.get(url, headers={"If-None-Match": tag}).status_code == 404


LONG, GZIP = "/v1/search?q=medecin&limit=100", {"Accept-Encoding": "gzip"}


def test_a_long_answer_is_packed_for_who_takes_that(client: FlaskClient) -> None:
    plain, packed = client.get(LONG), client.get(LONG, headers=GZIP)
    assert packed.headers["Content-Encoding"] == "gzip" and gzip.decompress(packed.data) == plain.data
    assert "Content-Encoding" not in plain.headers and len(packed.data) < len(plain.data) / 2
    assert "Accept-Encoding" in plain.headers["Vary"] and "Accept-Encoding" in packed.headers["Vary"]
    assert packed.headers["ETag"] != plain.headers["ETag"]  # strong ones: other octets
    tag = {"If-None-Match": packed.headers["ETag"]}
    assert client.get(LONG, headers=GZIP | tag).status_code == 304
    assert client.get(LONG, headers=tag).data == plain.data
    refusing = client.get(LONG, headers={"Accept-Encoding": "gzip;q=0, br"})
    assert refusing.data == plain.data and refusing.headers["ETag"] == plain.headers["ETag"]


def test_what_is_short_or_for_one_caller_is_not_packed(tmp_path: Path) -> None:
    """An operator's certificate goes with what any page makes a browser ask: BREACH."""
    directory, secret = world.build_world(tmp_path)
    with closing(directory):
        client, bearer = create_app(directory).test_client(), {"Authorization": f"Bearer {secret}"}
        for url, headers in (("/v1/suggest?q=dup", {}), ("/v1/search?q=zoe", {}), (LONG, bearer)):
            assert "Content-Encoding" not in client.get(url, headers=GZIP | headers).headers


def test_a_suggestion_may_be_kept_shortly(client: FlaskClient) -> None:
    assert client.get("/v1/suggest?q=dup").headers["Cache-Control"] == "public, max-age=10"


@pytest.mark.parametrize("url", ["/v1/suggest?q=dup", "/v1/search?q=dupont", f"/v1/mailboxes/{ZOE_BOX}", "/healthz"])
def test_head_answers_the_headers_alone(client: FlaskClient, url: str) -> None:
    head, get = client.head(url), client.get(url)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


FOREIGN = (
    "/v1/search?q=dupont&cursor=xyz", "/v1/search?q=dupont&near=zz", "/?q=dupont&cursor=@@",
    "/professionnels/10100000000", "/organisations/000000000", "/boites/a@b.fr", "/cartes/810000000000.svg",
)  # fmt: skip


@pytest.mark.parametrize("url", FOREIGN)
@pytest.mark.parametrize("shown", ["/v1/search?q=dupont", "/?q=dupont", "*"])
def test_the_tag_of_another_url_opens_nothing(client: FlaskClient, url: str, shown: str) -> None:
    """The tags of one build were those of all that is read of it."""
    tag = "*" if shown == "*" else client.get(shown).headers["ETag"]
    refused = client.get(url)
    assert refused.status_code in (400, 404)
    assert client.get(url, headers={"If-None-Match": tag}).status_code == refused.status_code


@pytest.mark.parametrize(
    "url",
    [
        "/v1/suggest?q=dup", "/v1/search?q=dupont", f"/v1/mailboxes/{ZOE_BOX}", f"/v1/practitioners/{world.ZOE}.vcf",
        "/v1/verify/range/abc", "/openapi.json", "/", "/aide",
    ],
)  # fmt: skip
def test_any_state_is_what_there_is(client: FlaskClient, url: str) -> None:
    """RFC 9110 13.1.2: ``*`` is false where there is a representation, whichever."""
    answer = client.get(url, headers={"If-None-Match": "*"})
    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["ETag"] == client.get(url).headers["ETag"]


def test_a_page_is_held_by_one_of_several_tags(client: FlaskClient) -> None:
    tag = client.get("/?q=dupont").headers["ETag"]
    for given in (f'"autre", {tag}', tag.removeprefix("W/")):
        assert client.get("/?q=dupont", headers={"If-None-Match": given}).status_code == 304
    assert client.get("/?q=dupont", headers={"If-None-Match": '"autre"'}).status_code == 200


@pytest.mark.parametrize(
    "url", ["/healthz", "/readyz", "/metrics", "/v1/reconcile", "/v1/reconcile?query=dupont", "/problems/not-found",
            f"/v1/reconcile/preview?id=mailboxes/{ZOE_BOX}", "/carddav/"],
)  # fmt: skip
def test_what_does_not_say_how_long_it_is_true_is_kept_by_nobody(client: FlaskClient, url: str) -> None:
    """A cache may keep for as long as it thinks fit what says nothing (RFC 9111 4.2.2)."""
    answer = client.get(url)
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
