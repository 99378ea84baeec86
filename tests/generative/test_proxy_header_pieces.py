"""The PROXY protocol header against any input: what is written reads back, whatever the pieces; what is not one is
refused by our own error."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from hypothesis import example, given
from hypothesis import strategies as st
from proxy_headers import LOCAL, SIGNATURE, UNIX, binary, block, line

from directory_service.errors import InvalidInput
from directory_service.ldap.proxyheader import LONGEST_BINARY, LONGEST_LINE, Header, find_header

PORTS = st.tuples(st.integers(0, 65535), st.integers(0, 65535))
ENDS = st.one_of([st.tuples(addresses, addresses) for addresses in (st.ip_addresses(v=4), st.ip_addresses(v=6))])
TLVS = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=40))).map(
    lambda found: b"".join(bytes([kind]) + len(value).to_bytes(2) + value for kind, value in found)
)
Ends = tuple[IPv4Address, IPv4Address] | tuple[IPv6Address, IPv6Address]
WRITTEN = st.one_of(
    st.builds(lambda ends, ports: line(str(ends[0]), str(ends[1]), ports), ENDS, PORTS),
    st.builds(lambda ends, tlvs: binary(str(ends[0]), str(ends[1]), tlvs=tlvs), ENDS, TLVS),
    st.builds(lambda tlvs: block(UNIX + tlvs, 0x31), TLVS),
    st.builds(lambda body: block(body, 0x00), st.binary(max_size=60)),
    st.builds(lambda body, kind: block(body, kind, 0x20), st.binary(max_size=60), st.integers(0, 255)),
    st.just(b"PROXY UNKNOWN\r\n"),
)


@given(ENDS, PORTS, TLVS, st.binary(max_size=20))
@example((IPv6Address("::ffff:192.0.2.7"), IPv6Address("::1")), (0, 0), b"", b"")
def test_the_client_is_the_one_that_was_written(ends: Ends, ports: tuple[int, int], tlvs: bytes, rest: bytes) -> None:
    source, target = map(str, ends)
    mapped = ends[0].ipv4_mapped if isinstance(ends[0], IPv6Address) else None
    for header in (line(source, target, ports), binary(source, target, tlvs=tlvs)):
        assert find_header(header + rest) == Header(len(header), str(mapped or source))


@given(WRITTEN, st.binary(max_size=40))
def test_it_is_the_same_octet_by_octet(header: bytes, rest: bytes) -> None:
    whole = find_header(header + rest)
    assert whole is not None and whole.size == len(header)
    for n in range(len(header)):
        assert find_header(header[:n]) is None
    for n in range(len(rest)):
        assert find_header(header + rest[:n]) == whole


def _looked_at(data: bytes) -> Header | str | None:
    """Nothing but our own error comes out, an address is one, and no more is waited for than a header may have."""
    try:
        found = find_header(data)
    except InvalidInput:
        return "refused"
    if found is None:
        assert len(data) < (LONGEST_LINE if data[:1] == b"P" else LONGEST_BINARY)
    else:
        assert found.size <= len(data) and (not found.address or str(ip_address(found.address)) == found.address)
    return found


@given(WRITTEN, st.data())
def test_a_header_changed_anywhere_is_read_or_refused(header: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(header)))
    changed = header[:at] + data.draw(st.binary(max_size=4)) + header[at + data.draw(st.integers(0, 4)) :]
    _looked_at(changed)
    once_known = None
    for n in range(len(changed) + 1):
        now = _looked_at(changed[:n])
        assert once_known is None or now == once_known  # what was decided stays so, whatever comes behind
        once_known = now


@given(st.one_of(st.binary(), st.binary().map(b"PROXY ".__add__), st.binary().map((SIGNATURE + b"!").__add__)))
@example(b"PROXY TCP4 \xb2.0.0.0 0.0.0.0 0 0\r\n")
@example(LOCAL[:-1] + b"\xff")
def test_anything_else_is_read_or_refused(data: bytes) -> None:
    _looked_at(data)
