"""Values of controls, damaged in any way: read, or refused with 2, and nothing else (OpenLDAP CVE-2020-36223)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap_support import matched, paged, sorting, window

from directory_service.errors import InvalidInput
from directory_service.index.query import TRUE, Query, Scope
from directory_service.ldap.controls import Asked, Context, read_controls
from directory_service.ldap.handler import canonical_names
from directory_service.ldap.limits import Limits
from directory_service.ldap.matched import MATCHED_VALUES
from directory_service.ldap.messages import Control
from directory_service.ldap.ordering import sort_rules
from directory_service.ldap.paging import PAGED_RESULTS
from directory_service.ldap.sorting import SORT
from ldap_schema.schema import load

CONTEXT = Context(canonical_names(load()), sort_rules(load()), Limits(), "", b"key", 100)
QUERY = Query("ou=bal,o=annuaire-sante,c=fr", Scope.SUBTREE, TRUE, 100)
WHOLE = [
    paged(5), paged(0, b"cookie"), sorting("cn"), sorting("-sn:2.5.13.3", "givenName"), window(1, 2, 3, 4),
    window(0, 9, value="dup", context=b"context"), matched("(cn=a*b*c)", "(sn=*)", "(mail>=x)", "(cn:=x)"),
]  # fmt: skip


def read(*controls: Control) -> Asked | None:
    """None: refused."""
    try:
        return read_controls(controls, QUERY, CONTEXT)[1]
    except InvalidInput as error:
        assert error.ldap_code == 2
        return None


@given(st.sampled_from(WHOLE), st.data())
def test_damaged_values_are_read_or_refused(control: Control, data: st.DataObject) -> None:
    assert control.value is not None
    damaged = bytearray(control.value)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
        damaged = damaged or bytearray(1)
    others = [sorting("cn")] if control.oid != SORT else []
    read(*others, Control(control.oid, control.critical, bytes(damaged)))


@given(st.sampled_from([c.oid for c in WHOLE]), st.binary(max_size=40))
def test_noise_is_read_or_refused(oid: str, noise: bytes) -> None:
    read(Control(oid, True, noise))


@pytest.mark.parametrize("control", WHOLE, ids=lambda c: c.oid)
def test_every_value_cut_short_is_refused(control: Control) -> None:
    assert control.value is not None
    for end in range(len(control.value)):
        assert read(Control(control.oid, True, control.value[:end])) is None
    assert read(Control(control.oid, True, control.value + b"\x00")) is None
    assert control.oid in (PAGED_RESULTS, SORT, MATCHED_VALUES) or read(control) is not None
