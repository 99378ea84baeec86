"""How long a request is, by its head: as long as gunicorn's parser finds it, or nothing is said of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gunicorn.config import Config
from gunicorn.http import get_parser

from directory_service.web.framing import BY_THREAD, LONGEST_HEAD, MORE, SMALL, request_length

FIRST = b"POST /v1/verify HTTP/1.1\r\n"
NEXT = b"GET /healthz HTTP/1.1\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (FIRST + b"\r\n", b""),
        (b"GET / HTTP/1.0\r\nHost: x\r\n\r\n", b""),
        (b"\r\n" + FIRST + b"Content-Length: 3\r\n\r\n", b"abc"),
        (FIRST + b"Content-Length: 3\r\n\r\n", b"abc"),
        (FIRST + b"CONTENT-LENGTH:\t 0003 \r\nHost: x\r\n\r\n", b"\r\n\r"),
        (FIRST + b"Host: x\r\ncontent-length:%d\r\n\r\n" % SMALL, b"a" * SMALL),
        (FIRST + b"X-Content-Length: 9\r\nA: content-length: 9\r\n\r\n", b""),
        (FIRST + b"Content_Length: 9\r\n\r\n", b""),
        (FIRST + b"Content-Length: 0\r\n\r\n", b""),
    ],
)
def test_as_long_as_the_parser_finds_it(head: bytes, body: bytes) -> None:
    whole = head + body
    assert request_length(whole + NEXT) == len(whole)
    for end in range(len(head)):
        assert request_length(head[:end]) == MORE

    def source() -> Iterator[bytes]:
        yield whole + NEXT
        raise AssertionError("it reads on")

    parser = get_parser(Config(), source(), ("127.0.0.1", 1))
    assert next(parser).body.read() == body
    assert parser.unreader.take_buffered() == NEXT


@pytest.mark.parametrize(
    "octets",
    [
        b"nonsense\r\n",
        b"\nGET / HTTP/1.1\r\n",
        b"GET / HTTP/2.0\r\n",
        b"GET /" + b"a" * LONGEST_HEAD,
        FIRST + b"Transfer-Encoding: chunked\r\n\r\n",
        FIRST + b"transfer-encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
        FIRST + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n",
        FIRST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        FIRST + b"Content-Length: 3, 3\r\n\r\nabc",
        FIRST + b"Content-Length: -3\r\n\r\nabc",
        FIRST + b"Content-Length: +3\r\n\r\nabc",
        FIRST + b"Content-Length: 3\xb2\r\n\r\nabc",
        FIRST + b"Content-Length:\r\n\r\n",
        FIRST + b"Content-Length: %d\r\n\r\n" % (SMALL + 1),
        FIRST + b"Content-Length: 1" + b"0" * 5000 + b"\r\n\r\n",
    ],
)
def test_what_is_not_plain_is_for_a_thread(octets: bytes) -> None:
    assert request_length(octets) == BY_THREAD
