"""``GET /v1/mailboxes/{address}``: one mailbox, open or closed, with its holders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import orjson
from flask import Blueprint, Response, request

from directory_service.index.smime import Published
from directory_service.web.context import cached, directory, identify, settled, with_record
from directory_service.web.parameters import LONGEST_ADDRESS, clean_text, read_query

blueprint = Blueprint("mailboxes", __name__)


@blueprint.get("/v1/mailboxes/<address>")
def mailbox(address: str) -> Response:
    read_query(request.query_string, ())
    view = identify()
    asked = clean_text(address, "address", LONGEST_ADDRESS).lower()

    def read() -> tuple[Mapping[str, object], list[Published]]:
        record = directory().mailbox(asked, view)
        return record, directory().certificates_of(asked) if record["status"] == "open" else []

    build, (record, certificates) = settled(read)

    def answer() -> Iterable[bytes]:
        return with_record(build, orjson.dumps({**record, "certificates": [c.json for c in certificates]}))

    # Certificates expire while the build stays what it is.
    return cached(view, answer, state="".join(f"-{c.sha256[:8]}" for c in certificates))
