"""Pages of other sites (the Fetch standard), and what ``OPTIONS`` answers (RFC 9110 9.3.7)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import web_world as world
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from directory_service.index.directory import Directory
from directory_service.settings import Settings
from directory_service.web.app import create_app

SITE = "https://exemple.fr"
SUGGEST = "/v1/suggest?q=dup"
CORS = "Access-Control-Allow-"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Directory, Path]]:
    folder = tmp_path_factory.mktemp("cors")
    directory, _ = world.build_world(folder)
    yield directory, folder
    directory.close()


@pytest.fixture(params=[f"{SITE} https://autre.fr", "*"])
def client(opened: tuple[Directory, Path], request: pytest.FixtureRequest) -> FlaskClient:
    return create_app(opened[0], Settings(data=opened[1], cors_origins=request.param)).test_client()


@pytest.fixture
def closed(opened: tuple[Directory, Path]) -> FlaskClient:
    return create_app(opened[0], Settings(data=opened[1])).test_client()


def preflight(client: FlaskClient, url: str, method: str, origin: str = SITE) -> TestResponse:
    return client.options(url, headers={"Origin": origin, "Access-Control-Request-Method": method})


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("/v1/suggest", "GET, HEAD, OPTIONS"),
        ("/v1/verify", "OPTIONS, POST"),
        ("/v1/mailboxes/a@b.fr", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
    ],
)
def test_options_says_what_is_allowed_and_nothing_else(closed: FlaskClient, url: str, allowed: str) -> None:
    answer = closed.options(url)
    assert (answer.status_code, answer.data, answer.headers["Allow"]) == (204, b"", allowed)
    assert "Content-Type" not in answer.headers


def test_options_of_nothing_is_404(closed: FlaskClient) -> None:
    assert closed.options("/nowhere").status_code == 404


def test_without_a_setting_no_site_is_let_in(closed: FlaskClient) -> None:
    for answer in (closed.get(SUGGEST, headers={"Origin": SITE}), preflight(closed, SUGGEST, "GET")):
        assert not [name for name in dict(answer.headers) if name.startswith("Access-Control")]
        assert "Origin" not in answer.headers.get("Vary", "")


def test_a_site_that_is_named_reads_what_is_public(client: FlaskClient) -> None:
    answer = client.get(SUGGEST, headers={"Origin": SITE})
    assert answer.headers[CORS + "Origin"] in (SITE, "*") and answer.status_code == 200
    assert CORS + "Credentials" not in answer.headers
    assert {"ETag", "RateLimit", "Retry-After"} <= set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    again = client.get(SUGGEST, headers={"Origin": SITE, "If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304 and again.headers[CORS + "Origin"]
    assert client.get("/v1/search?limit=0", headers={"Origin": SITE}).headers[CORS + "Origin"]


@pytest.mark.parametrize(("url", "method"), [(SUGGEST, "GET"), ("/v1/verify", "POST"), ("/v1/mailboxes/a@b.fr", "GET")])
def test_it_may_ask_before(client: FlaskClient, url: str, method: str) -> None:
    answer = preflight(client, url, method)
    assert answer.status_code == 204 and answer.headers[CORS + "Methods"] == method
    assert answer.headers[CORS + "Headers"] == "Content-Type, If-None-Match"
    assert answer.headers[CORS + "Origin"] in (SITE, "*") and CORS + "Credentials" not in answer.headers


@pytest.mark.parametrize(
    ("url", "method"),
    [
        ("/v1/mailboxes/a@b.fr", "PUT"),
        ("/v1/mailboxes/a@b.fr", "DELETE"),
        ("/v1/changes", "GET"),
        ("/v1/operators/essai/secret", "POST"),
        (SUGGEST, "POST"),
    ],
)
def test_what_is_not_for_anybody_is_not_for_pages(client: FlaskClient, url: str, method: str) -> None:
    answer = preflight(client, url, method)
    assert answer.status_code == 204 and CORS + "Origin" not in answer.headers
    assert CORS + "Origin" not in client.open(url, method=method, headers={"Origin": SITE}).headers or method == "POST"


def test_another_site_is_told_nothing_and_caches_keep_them_apart(opened: tuple[Directory, Path]) -> None:
    client = create_app(opened[0], Settings(data=opened[1], cors_origins=SITE)).test_client()
    for origin in ("https://autre.fr", SITE + ".evil.fr", "null", "http://exemple.fr"):
        assert CORS + "Origin" not in client.get(SUGGEST, headers={"Origin": origin}).headers
        assert CORS + "Origin" not in preflight(client, SUGGEST, "GET", origin).headers
    assert "Origin" in client.get(SUGGEST).headers["Vary"]
