"""``GET /v1/mailboxes/{address}``: one mailbox, open or closed, with its holders, today or at an instant; and
``…/history``, every binding of the address.  What is hidden from the caller is absent, by the same path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from flask import Blueprint, Response, request

from directory_service.entries.history import as_of, history, shown
from directory_service.registry.clock import format_instant, parse_instant
from directory_service.web.context import cached, directory, identify, settled, with_items, with_record
from directory_service.web.parameters import LONGEST_ADDRESS, Text, clean_text, read_query, refused

blueprint = Blueprint("mailboxes", __name__)
_SKEW = timedelta(minutes=5)  # between the caller's clock and ours


@blueprint.get("/v1/mailboxes/<address>")
def mailbox(address: str) -> Response:
    given = read_query(request.query_string, (Text("at", 40),))["at"]
    at = _instant(given) if given else ""

    def made(build: str, record: dict[str, Any]) -> Iterable[bytes]:
        found = as_of(record, at) if at else record
        return with_record(build, orjson.dumps(shown(found)), **({"at": at} if at else {}))

    return _answer(address, made)


@blueprint.get("/v1/mailboxes/<address>/history")
def mailbox_history(address: str) -> Response:
    read_query(request.query_string, ())

    def made(build: str, record: dict[str, Any]) -> Iterable[bytes]:
        return with_items(build, map(orjson.dumps, history(record)), address=record["address"])

    return _answer(address, made)


def _answer(address: str, made: Callable[[str, dict[str, Any]], Iterable[bytes]]) -> Response:
    view = identify()
    asked = clean_text(address, "address", LONGEST_ADDRESS).lower()
    return cached(view, lambda: made(*settled(lambda: directory().mailbox(asked, view))))


def _instant(text: str) -> str:
    moment = parse_instant(text)
    if moment > datetime.now(UTC) + _SKEW:
        raise refused("at", "cet instant est à venir")
    return format_instant(moment)
