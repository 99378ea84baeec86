"""An answer, with the build that it was read from and what caches may do with it.

The entity tag of what is read is the build id, the view and a digest of the URL, with what else may change within a
build and the version of a mailbox where there is one: the same URL asked twice of one build by one kind of caller has
the same bytes, so that ``If-None-Match`` is answered before any search is made (RFC 9110 13.1.2).  Who shows the tag of
another URL holds nothing of this one, which may be refused or not be there.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from hashlib import blake2b, sha256
from threading import Lock
from typing import TypeVar

import orjson
from flask import Response, request

from directory_service.errors import PreconditionFailed
from directory_service.index.query import View
from directory_service.web.context import directory, services

T = TypeVar("T")
_RETRIES = 3  # while changes come faster than one record is read
_gate = Lock()
_LONG = 4096  # octets: three packets
_PATIENCE = 0.02  # seconds: a suggestion takes one
SHORT = 10  # seconds a suggestion may be kept: shorter than anyone waits for a correction to show


def cached(
    view: View, make: Callable[[], Iterable[bytes]], age: int = 0, *, state: str = "", build: str = "",
    version: str | None = None, in_turn: bool = True, long: bool = False,
) -> Response:  # fmt: skip
    """The answer that ``make`` writes, or 304 when the caller holds it.  ``age``: seconds of caching without asking
    again; an operator's answers are never kept by a shared cache.  ``state``: what may change within one build.
    ``version``, of a record that was read from ``build``, ends the entity tag, so that ``If-Match`` may give it back.
    ``in_turn`` is False for what sees to ``turn`` itself.  ``long`` answers are packed for whom anybody might be: the
    length of another's would tell of what only it is shown (BREACH)."""
    packed = long and not view and takes_gzip()
    changes = f"{'-gz' if packed else ''}{state}" + (f"-{version}" if version else "")
    etag = f'"{build or directory().build().id}-{int(view)}-{url_digest()}{changes}"'

    def answer() -> Response:
        with turn() if in_turn else nullcontext():
            body = b"".join(make())
        return packed_answer(body) if packed else json_answer(body)

    response = unless_held(etag, answer)
    headers = response.headers
    headers["ETag"] = etag
    headers["Vary"] = f"{varies()}, Accept-Encoding" if long else varies()
    scope = "private" if view else "public"
    headers["Cache-Control"] = f"{scope}, max-age={age}" if age else f"{scope}, no-cache"
    return response


def url_digest() -> str:
    """Of what is asked: path and parameters."""
    asked = request.path.encode("utf-8", "surrogateescape") + b"?" + request.query_string
    return blake2b(asked, digest_size=6).hexdigest()


def unless_held(etag: str, make: Callable[[], Response]) -> Response:
    """304 where ``If-None-Match`` names this tag, weak or not, alone or among others (RFC 9110 13.1.2).  ``*`` names
    whatever there is, once that is known."""
    given = request.environ.get("HTTP_IF_NONE_MATCH", "").strip()
    if given and etag.removeprefix("W/") in [tag.strip().removeprefix("W/") for tag in given.split(",")]:
        return Response(status=304)
    made = make()
    return Response(status=304) if given == "*" else made


def varies() -> str:
    """What, besides the URL, an answer depends on, for caches on the way (RFC 9440 2.4)."""
    return "Authorization, Client-Cert" if services().clients.proxies.held else "Authorization"


@contextmanager
def turn() -> Iterator[None]:
    """One thread of a process reads the index at a time.  SQLite lets go of the interpreter at each row, and threads
    that fight over it wait for it at each row: in turn, the same answers come sooner (docs/reference/http-service.md).
    Who has waited long enough goes anyway: a slow search must not stop the others."""
    mine = _gate.acquire(timeout=_PATIENCE)
    try:
        yield
    finally:
        if mine:
            _gate.release()


def json_answer(body: bytes, status: int = 200) -> Response:
    return Response(body, status, content_type="application/json")


def packed_answer(body: bytes) -> Response:
    """JSON, packed where that is taken and worth it.  The least effort: a seventh of the octets, for 20 µs a kilobyte;
    what is short is sent as it is."""
    if len(body) < _LONG or not takes_gzip():
        return json_answer(body)
    response = json_answer(gzip.compress(body, 1, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    return response


def expect_state(etag: str) -> None:
    """Before werkzeug's own conditions: it answers ``If-Match`` of another state by a part of this one, which whoever
    goes on with a file would put behind the other, or by 412 and the whole.  Raises PreconditionFailed.  What the
    caller holds is 304 before it is a part of it (RFC 9110 13.2.2)."""
    wanted, held = request.if_match, request.if_none_match
    if wanted and not wanted.contains(etag):
        raise PreconditionFailed("le contenu n'est pas, ou n'est plus, celui que vous attendez", where="If-Match")
    if held and held.contains_weak(etag):
        request.environ.pop("HTTP_RANGE", None)


def cached_text(body: bytes, kind: str) -> Response:
    """What is the same until the service is another version."""
    etag = f'"{sha256(body).hexdigest()[:16]}"'
    response = unless_held(etag, lambda: Response(body, content_type=kind))
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


def takes_gzip() -> bool:
    return request.accept_encodings["gzip"] > 0


def uncached(response: Response) -> Response:
    """To be kept by nobody: it was true of a moment, or of one caller."""
    response.headers["Cache-Control"] = "no-store"
    return response


def with_items(build: str, items: Iterable[bytes], **more: object) -> Iterable[bytes]:
    """``{"build":…,"items":[…],…}`` from records that are JSON already."""
    yield b'{"build":' + orjson.dumps(build) + b',"items":['
    yield b",".join(items)
    yield b"]"
    for name, value in more.items():
        yield b',"' + name.encode() + b'":' + orjson.dumps(value)
    yield b"}"


def settled(read: Callable[[], T]) -> tuple[str, T]:
    """What ``read`` gives, and the build it was read from: read again if that has changed meanwhile."""
    build = directory().build().id
    found = read()
    for _ in range(_RETRIES):
        after = directory().build().id
        if after == build:
            break
        build, found = after, read()
    return build, found


def with_record(build: str, record: bytes, **more: object) -> Iterable[bytes]:
    """A record that is JSON already, with its build and what else is said of it put first."""
    yield b'{"build":' + orjson.dumps(build)
    for name, value in more.items():
        yield b',"' + name.encode() + b'":' + orjson.dumps(value)
    yield b"," + record[1:] if len(record) > 2 else b"}"
