"""Every bad parameter has its clear error, which names the parameter and never repeats its value."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from directory_service.errors import InvalidInput
from directory_service.web.parameters import Choice, Flag, Several, Text, Whole, read_fields, read_query

KNOWN = (Text("q", required=True), Whole("limit", 1, 20, default=10), Choice("type", ("PER", "ORG")))


def test_values_are_read_and_defaults_given() -> None:
    assert read_query(b"q=+dup%C3%A9+", KNOWN) == {"q": "dupé", "limit": 10, "type": ""}
    assert read_query(b"q=&limit=20&type=per", KNOWN) == {"q": "", "limit": 20, "type": "PER"}


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (b"", "paramètre q"),
        (b"q=a&limit=0", "paramètre limit"),
        (b"q=a&limit=21", "paramètre limit"),
        (b"q=a&limit=-1", "paramètre limit"),
        (b"q=a&limit=", "paramètre limit"),
        (b"q=a&limit=1.0", "paramètre limit"),
        (b"q=a&limit=%D9%A1", "paramètre limit"),
        (b"q=a&limit=99999999999999999999", "paramètre limit"),
        (b"q=a&type=XYZ", "paramètre type"),
        (b"q=a&q=b", "paramètre q"),
        (b"q=" + b"a" * 201, "paramètre q"),
        (b"q=a%00b", "paramètre q"),
        (b"q=a%0Ab", "paramètre q"),
        (b"q=a%C2%85b", "paramètre q"),
        (b"q=%FF", "requête"),
        (b"q=\xff", "requête"),
        (b"q=a&secretname=x", "requête"),
        (b"q=a&" + b"&".join(b"x=1" for _ in range(50)), "requête"),
    ],
)
def test_a_bad_parameter_is_named(raw: bytes, where: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_query(raw, KNOWN)
    assert refused.value.where == where
    assert "secretname" not in str(refused.value)


def test_a_query_string_is_not_read_beyond_what_any_route_knows() -> None:
    """They are counted before they are parted, and not told to be unknown afterwards."""
    with pytest.raises(InvalidInput) as refused:
        read_query(b"&".join(b"x=1" for _ in range(41)), KNOWN)
    assert refused.value.message == "plus de 40 paramètres"


def test_the_word_for_all_stands_alone() -> None:
    facets = (Several("facets", ("type", "profession"), whole="true"),)
    assert read_query(b"facets=true", facets)["facets"] == ("type", "profession")
    assert read_query(b"facets=profession,Type,profession", facets)["facets"] == ("type", "profession")
    for wrong in (b"facets=true,type", b"facets=town", b"facets=type,"):
        with pytest.raises(InvalidInput):
            read_query(wrong, facets)


def test_200_characters_are_characters_and_not_bytes() -> None:
    assert read_query(b"q=" + b"%C3%A9" * 200, KNOWN)["q"] == "é" * 200


@pytest.mark.parametrize("fields", [{"q": 1}, {"q": ["a"]}, {"q": None}, {"q": "a", "f": "true"}, {"q": "a", "f": 1}])
def test_json_fields_have_types(fields: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        read_fields(fields, (Text("q", required=True), Flag("f")))


# By chance no octets say ``q=``, and all would be refused.
PIECES = st.sampled_from([b"q=", b"limit=5", b"type=PER", b"&", b"%C3%A9", b"%", b"+", b";", b"=", b"%00", b"a"])
QUERIES = st.lists(PIECES | st.binary(max_size=3), max_size=12).map(b"".join)


@example(b"q=%C3%A9&limit=5")
@given(QUERIES | QUERIES.map(b"q=".__add__))
def test_any_query_string_is_read_or_refused(raw: bytes) -> None:
    try:
        values = read_query(raw, KNOWN)
    except InvalidInput:
        return
    assert set(values) == {"q", "limit", "type"} and isinstance(values["q"], str)
