"""BER as RFC 4511 5.1 has it."""

from __future__ import annotations

import pytest

from directory_service.ldap.ber import (
    BerError,
    Reader,
    boolean,
    encode_length,
    header,
    integer,
    octets,
    partial_attribute,
    tlv,
)


@pytest.mark.parametrize(
    ("n", "encoded"),
    [(0, "00"), (127, "7f"), (128, "8180"), (255, "81ff"), (256, "820100"), (65535, "82ffff"), (65536, "83010000")],
)
def test_lengths_are_written_in_the_shortest_form(n: int, encoded: str) -> None:
    assert encode_length(n).hex() == encoded


@pytest.mark.parametrize(
    ("n", "encoded"),
    [(0, "020100"), (127, "02017f"), (128, "02020080"), (-1, "0201ff"), (-128, "020180"), (2147483647, "02047fffffff")],
)
def test_integers_are_twos_complement(n: int, encoded: str) -> None:
    assert integer(n).hex() == encoded
    assert Reader(integer(n)).integer() == n


def test_a_partial_attribute_is_a_name_and_a_set() -> None:
    assert partial_attribute("cn", [b"a", "é".encode()]).hex() == "300d" + "0402636e" + "3107" + "040161" + "0402c3a9"


def test_lengths_need_not_be_minimal() -> None:
    """Windows clients write every length in four octets."""
    assert Reader(bytes.fromhex("0484000000026869")).octets() == b"hi"


@pytest.mark.parametrize(
    ("encoded", "why"),
    [
        ("", "tronqué"),
        ("04", "tronqué"),
        ("048200", "tronqué"),
        ("0405616263", "au-delà"),
        ("04800000", "indéfinie"),
        ("04850000000001ff", "plus de quatre"),
        ("04ff", "plus de quatre"),
        ("1f8100", "plusieurs octets"),
    ],
)
def test_what_ldap_forbids_is_refused_with_its_offset(encoded: str, why: str) -> None:
    raw = bytes.fromhex(encoded)
    with pytest.raises(BerError, match=why) as error:
        header(raw, 0, len(raw))
    assert error.value.where == "octet 0"


def test_an_element_cannot_leave_the_one_around_it() -> None:
    inner = Reader(tlv(0x30, b"\x04\x05ab") + b"cdef").enter()
    with pytest.raises(BerError, match="au-delà"):
        inner.octets()


@pytest.mark.parametrize("encoded", ["0200", "02050000000001"])
def test_integers_have_one_to_four_octets(encoded: str) -> None:
    with pytest.raises(BerError):
        Reader(bytes.fromhex(encoded)).integer()


def test_true_is_written_ff_and_read_as_anything_but_zero() -> None:
    assert boolean(True) == b"\x01\x01\xff"
    assert Reader(b"\x01\x01\x01").boolean()
    with pytest.raises(BerError):
        Reader(b"\x01\x02\x00\x00").boolean()


def test_a_reader_says_what_is_left() -> None:
    reader = Reader(octets("a") + octets("b"))
    assert (reader.peek(), reader.octets(), reader.more) == (4, b"a", True)
    with pytest.raises(BerError, match="en trop"):
        reader.finish()
