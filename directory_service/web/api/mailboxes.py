"""``GET /v1/mailboxes/{address}``: one mailbox, open or closed, with its holders."""

from __future__ import annotations

import orjson
from flask import Blueprint, Response, request

from directory_service.web.context import cached, directory, identify, settled, with_record
from directory_service.web.parameters import LONGEST_ADDRESS, clean_text, read_query

blueprint = Blueprint("mailboxes", __name__)


@blueprint.get("/v1/mailboxes/<address>")
def mailbox(address: str) -> Response:
    read_query(request.query_string, ())
    view = identify()
    asked = clean_text(address, "address", LONGEST_ADDRESS).lower()
    build, record = settled(lambda: directory().mailbox(asked, view))
    version = record.get("version")
    return cached(view, lambda: with_record(build, orjson.dumps(record)), build=build, version=version)
