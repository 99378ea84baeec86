"""entries.wire and entries.export: BER read back, LDIF and CSV."""

from __future__ import annotations

import csv
import io
from base64 import b64decode

from hypothesis import given
from hypothesis import strategies as st

from directory_service.entries import practitioner_entry
from directory_service.entries.export import CSV_COLUMNS, csv_header, csv_row, ldif
from directory_service.entries.wire import decode_attributes, entry_ber, iterate_attributes, many, one, several
from directory_service.ldap.ber import partial_attribute
from tests.record_factories import SUFFIX, make_practitioner

ENTRY = practitioner_entry(make_practitioner(), [], SUFFIX)
values = st.lists(st.text(min_size=1, max_size=300), min_size=1, max_size=4, unique=True)


@given(values)
def test_the_fast_encoder_writes_what_the_plain_one_does(texts: list[str]) -> None:
    raw = [t.encode() for t in texts]
    assert several("asSpecialty", raw) == partial_attribute("asSpecialty", raw)
    assert one("cn", texts[0]) == partial_attribute("cn", raw[:1])


@given(st.dictionaries(st.from_regex(r"[a-zA-Z]{1,20}", fullmatch=True), values, max_size=5), st.text(max_size=300))
def test_attributes_read_back(attributes: dict[str, list[str]], dn: str) -> None:
    ber = entry_ber(dn, b"".join(several(name, [t.encode() for t in texts]) for name, texts in attributes.items()))
    assert {n: [v.decode() for v in vs] for n, vs in decode_attributes(ber).items()} == attributes
    assert b"".join(part for _, part, _ in iterate_attributes(ber)) in ber


def test_equal_values_are_written_once() -> None:
    """RFC 4511 4.1.7, by caseIgnoreMatch: case, and the number of spaces, do not count."""
    assert many("l", ["LYON", "", "Lyon", "SAINT  LUC", "saint luc"]) == many("l", ["LYON", "SAINT  LUC"])


def test_ldif_writes_what_is_not_safe_in_base64() -> None:
    """RFC 2849, note 4 and SAFE-STRING."""
    lines = ldif(ENTRY.ber).split("\n")
    assert lines[0] == f"dn: uid=810900000018,ou=personnes,{SUFFIX}"
    assert "sn: D'ESSAI" in lines
    encoded = next(line for line in lines if line.startswith("givenName:: "))
    assert b64decode(encoded.split(":: ")[1]).decode() == "ZOÉ"
    assert lines[-2:] == ["", ""]


@given(st.text(min_size=1))
def test_any_value_survives_ldif(text: str) -> None:
    line = ldif(entry_ber("o=x", one("cn", text))).removesuffix("\n\n").split("\n")[1]
    name, _, plain = line.partition(": ")
    assert (b64decode(plain).decode() if name == "cn:" else plain) == text


def test_operational_attributes_on_request() -> None:
    assert "modifyTimestamp: 20261102034500Z" in ldif(ENTRY.ber, {"modifyTimestamp": ENTRY.changed})


def test_csv_has_a_cell_a_column() -> None:
    header, row = csv.reader(io.StringIO(csv_header() + csv_row(ENTRY.ber)))
    cells = dict(zip(header, row, strict=True))
    assert tuple(header) == CSV_COLUMNS
    assert cells["sn"] == "D'ESSAI"
    assert cells["mail"] == ""
    assert cells["asStructureId"] == "1690000005 | F690000005"


@given(st.text().filter(lambda t: "\0" not in t))
def test_any_value_survives_csv(text: str) -> None:
    line = csv_row(entry_ber("o=x", one("cn", text)), ["cn", "sn"])
    assert list(csv.reader(io.StringIO(line, newline=""), strict=True)) == [[text, ""]]
