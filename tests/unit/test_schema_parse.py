"""ldap_schema.parse: descriptions of RFC 4512 4.1, read and written."""

from __future__ import annotations

import pytest

from ldap_schema.parse import (
    AttributeType,
    ObjectClass,
    SchemaError,
    parse_attribute_type,
    parse_object_class,
    parse_schema,
)
from ldap_schema.schema import FILES, read_definitions


def test_an_attribute_type_with_every_field() -> None:
    text = (
        "( 1.2.3 NAME ( 'one' 'two' ) DESC 'it\\27s \\5C' OBSOLETE SUP name EQUALITY caseIgnoreMatch "
        "ORDERING caseIgnoreOrderingMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6{64} SINGLE-VALUE COLLECTIVE "
        "NO-USER-MODIFICATION USAGE dSAOperation )"
    )
    found = parse_attribute_type(text)
    assert found.names == ("one", "two")
    assert found.desc == "it's \\"
    assert (found.syntax, found.length) == ("1.3.6", 64)
    assert found.operational
    assert str(found) == text


def test_an_object_class_with_every_field() -> None:
    text = "( 1.2.3 NAME 'one' DESC 'x' OBSOLETE SUP ( a $ b ) AUXILIARY MUST ( c $ d ) MAY e )"
    found = parse_object_class(text)
    assert (found.sup, found.kind, found.must, found.may) == (("a", "b"), "AUXILIARY", ("c", "d"), ("e",))
    assert str(found) == text


def test_white_space_and_extensions_do_not_count() -> None:
    assert parse_object_class("(1.2.3\n\tNAME('one')X-ORIGIN ( 'a' 'b' ) MUST(c$d))") == ObjectClass(
        "1.2.3", ("one",), must=("c", "d")
    )


def test_a_class_is_structural_when_it_does_not_say() -> None:
    assert parse_object_class("( 1.2.3 )").kind == "STRUCTURAL"


def test_a_file_mixes_both_with_comments() -> None:
    found = parse_schema("# c\nattributetype ( 1.1 NAME 'a' )\n\nobjectClass ( 1.2\n  NAME 'b' )\n# end")
    assert found == [AttributeType("1.1", ("a",)), ObjectClass("1.2", ("b",))]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("objectidentifier x 1.2", 1),
        ("\nattributetype ( 1.1 MUST a )", 2),
        ("attributetype ( 1.1\n NAME 'a' NONSENSE )", 2),
        ("attributetype ( 1.1\n NAME 'a'", 2),
        ("attributetype 1.1", 1),
        ("attributetype ( 1.1 DESC 'a", 1),
    ],
)
def test_what_is_not_a_definition_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(SchemaError, match=f"^line {line}:"):
        parse_schema(text)


@pytest.mark.parametrize("name", FILES)
def test_our_files_survive_a_round_trip(name: str) -> None:
    for definition in parse_schema(read_definitions(name)):
        again = parse_attribute_type if isinstance(definition, AttributeType) else parse_object_class
        assert again(str(definition)) == definition


@pytest.mark.parametrize(
    "text",
    [
        "attributetype ( 1.2.3 SYNTAX 1.3.6{2A} )",
        "attributetype ( 1.2.3 SYNTAX 1.3.6{} )",
        "attributetype ( 1.2.3 SYNTAX 1.3.6{" + "9" * 5000 + "} )",
        "attributetype ( 1.2.3 MUST cn )",
        "objectclass ( 1.2.3 SYNTAX 1.3.6 )",
        "'' attributetype ( 1.2.3 )",
    ],
)
def test_what_fuzzing_found_is_a_schema_error(text: str) -> None:
    """A bound that is no number was a bare ValueError, a misplaced keyword a TypeError, and '' ended the file."""
    with pytest.raises(SchemaError):
        parse_schema(text)


def test_a_description_alone_with_a_keyword_of_another_kind_is_a_schema_error() -> None:
    with pytest.raises(SchemaError):
        parse_attribute_type("( 1.2.3 MUST cn )")
    with pytest.raises(SchemaError):
        parse_object_class("( 1.2.3 SYNTAX 1.3.6 )")
