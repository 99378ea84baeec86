"""What watches every HTTP answer of the specifications finds what is not described."""

from __future__ import annotations

from pathlib import Path

import pytest
from api_conformance import conforming
from flask import Response
from record_factories import SUFFIX

from directory_service.index.directory import Directory
from directory_service.web.app import create_app

DOMAIN = "/v1/domains/a.fr"


@pytest.mark.parametrize(
    ("url", "answer", "told"),
    [
        ("/v1/status", Response('{"build":""}', content_type="application/json"), "'built_at' is a required property"),
        ("/v1/status", Response("{}", content_type="text/plain"), "text/plain non décrit"),
        ("/v1/status", Response("{}", 418), "418 : code non décrit"),
        (
            DOMAIN,
            Response('{"build":"","name":"","trusted":true,"operators":[],"new":1}', content_type="application/json"),
            "'new' was unexpected",
        ),
        (DOMAIN, Response('{"build":"","name":"","trusted":true,"operators":[]}', content_type="application/json"), ""),
        ("/nowhere", Response("", 404), ""),
    ],
)
def test_an_undescribed_member_status_or_type_is_found(tmp_path: Path, url: str, answer: Response, told: str) -> None:
    app = create_app(Directory(tmp_path, SUFFIX))
    with conforming() as found, app.test_request_context(url):
        app.finalize_request(answer)
    assert told in " ".join(found) and bool(told) == bool(found)
