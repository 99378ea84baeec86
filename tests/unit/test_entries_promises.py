"""Whole entries against the table of ``entries.attributes`` and the schema: what the index and slapd count on."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory_service.entries import (
    ATTRIBUTES,
    Entry,
    container_entries,
    mailbox_entry,
    organization_entry,
    practitioner_entry,
    prepare,
)
from directory_service.entries.attributes import SOUNDED, index_key, index_tag, prepared_forms
from directory_service.entries.entry import BAL, CLASSES, CONTAINER, branch_of
from directory_service.entries.naming import sound_tokens, word_tokens
from directory_service.entries.wire import comparable, decode_attributes, decode_dn
from directory_service.index.schema import ORDERED
from directory_service.ldap.dn import entry_uuid, normalise, parse_dn
from directory_service.model.names import words
from directory_service.model.phonetics import code, heard
from ldap_schema.schema import load
from tests.record_factories import SUFFIX
from tests.record_strategies import bindings, organizations, practitioners

entries = st.one_of(
    st.builds(practitioner_entry, practitioners(), st.lists(bindings(st.none()), max_size=2), st.just(SUFFIX)),
    st.builds(organization_entry, organizations(), st.lists(bindings(st.none()), max_size=2), st.just(SUFFIX)),
    st.builds(lambda b: mailbox_entry([b], SUFFIX), bindings()),
    st.sampled_from(container_entries(SUFFIX)),
)


def _values(entry: Entry) -> Iterator[tuple[str, bytes]]:
    return ((name, value) for name, values in decode_attributes(entry.ber).items() for value in values)


@given(entries)
def test_every_value_is_in_a_column_has_its_tag_and_its_key(entry: Entry) -> None:
    tags, branch = set(entry.tags.split()), branch_of(entry.id)
    for name, value in _values(entry):
        attribute = ATTRIBUTES[name.lower()]
        token, key = index_tag(attribute, value), index_key(attribute, value)
        assert branch in attribute.branches
        for form in prepared_forms(attribute, value):
            assert not attribute.columns or any(f"^{form}$" in getattr(entry, c) for c in attribute.columns), name
            assert (index_tag(attribute, form.encode()) if name == "l" else token) in (None, *tags), name
        assert key is None or key in entry.keys, name


@given(entries)
def test_texts_that_boxes_are_sorted_by_start_with_the_least_value(entry: Entry) -> None:
    """RFC 2891 2.2; ``index.schema.ORDERED``."""
    for name, text in ORDERED.items():
        values = [prepare(ATTRIBUTES[name], v) or "" for v in decode_attributes(entry.ber).get(name, [])]
        least = min(filter(None, values), default="")
        assert getattr(entry, text).startswith(f"^{least}$") if least else branch_of(entry.id) != BAL or not values[0]


@given(entries)
def test_given_names_are_among_the_names_of_a_mailbox_and_no_address_holds_a_space(entry: Entry) -> None:
    """What the lists of letters leave out (``plan.fours``, ``plan.merging``)."""
    if branch_of(entry.id) == BAL:
        assert all(given in entry.name for given in entry.given[1:-1].split("$^"))
    assert " " not in entry.mail


@given(entries)
def test_a_name_has_the_tokens_of_each_of_its_words(entry: Entry) -> None:
    """What ``~=`` looks up: of the parts of a person's name, prepared apart, and of the whole."""
    tags, branch = set(entry.tags.split()), branch_of(entry.id)
    names = [(n, v.decode()) for n, v in _values(entry) if branch in SOUNDED.get(n, ())]
    for attribute, name in names:
        for word in heard(name):
            assert not tags.isdisjoint(sound_tokens(code(word), attribute))
        for word in (*heard(name), *words(name)):
            assert not tags.isdisjoint(word_tokens(word, attribute))


@given(entries)
def test_an_entry_is_found_by_its_name_and_its_uuid(entry: Entry) -> None:
    if branch_of(entry.id) == CONTAINER:
        return
    for name, value in (("entrydn", entry.dn), ("entryuuid", entry_uuid(normalise(entry.dn)))):
        assert index_key(ATTRIBUTES[name], value.encode()) in entry.keys


@given(entries)
def test_an_attribute_said_to_be_always_there_is(entry: Entry) -> None:
    held, branch = decode_attributes(entry.ber), branch_of(entry.id)
    missing = [a.name for a in ATTRIBUTES.values() if branch in a.always and a.name not in held and not a.operational]
    assert missing == []
    assert branch == CONTAINER or tuple(v.decode() for v in held["objectClass"]) == CLASSES[branch]


@given(entries)
def test_an_entry_holds_what_its_classes_demand_and_nothing_they_do_not_allow(entry: Entry) -> None:
    held = decode_attributes(entry.ber)
    must, may = load().allowed(v.decode() for v in held["objectClass"])
    assert must <= held.keys()
    assert held.keys() <= must | may
    for name, values in held.items():
        definition = load().resolve(name)
        assert definition is not None
        assert len(values) == 1 or (values and not definition.single_value)


_FORMS = {
    "15": r"(?s)(?=.*\S).*",
    "7": "TRUE|FALSE",
    "24": r"\d{14}Z",
    "26": r"[\x00-\x7f]*",
    "36": r"[0-9 ]+",
    "50": r"[A-Za-z0-9'()+,\-./:? ]+",
    "22": r"[A-Za-z0-9'()+,\-./:? ]+",
    "38": r"[A-Za-z][A-Za-z0-9-]*|[0-9.]+",
}


@given(entries)
def test_values_are_of_their_syntax_and_no_two_are_equal(entry: Entry) -> None:
    for name, values in decode_attributes(entry.ber).items():
        definition = load().resolve(name)
        assert definition is not None
        form = re.compile(_FORMS[load().syntax_of(definition).rpartition(".")[2]])
        texts = [v.decode() for v in values]
        assert all(form.fullmatch(t) for t in texts), name
        assert len({comparable(t) for t in texts}) == len(texts), name


@given(entries)
def test_the_name_reads_back_and_is_under_the_suffix(entry: Entry) -> None:
    assert decode_dn(entry.ber) == entry.dn
    rdns = parse_dn(entry.dn)
    assert rdns[-2:] == parse_dn(SUFFIX)
    if branch_of(entry.id) != CONTAINER:
        assert rdns[0][0][1].encode() in decode_attributes(entry.ber)["uid"]


@given(entries)
def test_search_texts_are_framed(entry: Entry) -> None:
    for column in ("sn", "name", "given", "mail", "shown", "org", "work", "place"):
        text = getattr(entry, column)
        assert not text or (text[0], text[-1]) == ("^", "$")
        assert "^$" not in text


@pytest.mark.parametrize("suffix", ["dc=annuaire,dc=example,dc=fr", "ou=annuaire,o=x", "c=fr", "l=lyon,c=fr"])
def test_containers_of_another_suffix_are_sound_too(suffix: str) -> None:
    for entry in container_entries(suffix):
        test_an_entry_holds_what_its_classes_demand_and_nothing_they_do_not_allow.hypothesis.inner_test(entry)  # type: ignore[attr-defined]


def test_a_suffix_that_names_no_container_is_refused() -> None:
    with pytest.raises(ValueError, match="suffix named by cn"):
        container_entries("cn=x,o=y")
