"""The body of a published mailbox at its bounds: what is just right is read, what is just past is named."""

from __future__ import annotations

from typing import Any

import pytest

from directory_service.model.mailboxes import Contact, MailboxType
from directory_service.model.publication import (
    DEEPEST,
    HIGHEST_RANK,
    LONGEST,
    MOST_CONTACTS,
    PURPOSES,
    InvalidField,
    merge_patch,
    parse_address,
    parse_publication,
    version_of,
)

PERSON = {"type": "PER", "holder": {"person": "810000000018"}}
STRUCTURE = {"type": "ORG", "holder": {"structure": "1690000005"}}
CONTACT = {"system": "phone", "value": "0400000000"}


def refused(body: object) -> str:
    """The field that is wrong."""
    with pytest.raises(InvalidField) as error:
        parse_publication(body)
    return (error.value.where or "").removeprefix("champ ")


@pytest.mark.parametrize("name", ["service", "description", "responsible"])
def test_a_text_is_as_long_as_it_may_be(name: str) -> None:
    body = STRUCTURE | {name: f"  {'é' * LONGEST[name]} "}
    assert getattr(parse_publication(body), name) == "é" * LONGEST[name]
    assert refused(STRUCTURE | {name: "é" * (LONGEST[name] + 1)}) == name


@pytest.mark.parametrize("text", ["a\nb", "a\x00b", "a\x85b", "a\ud800b", "a\u202eb", "a\u2066b", 5, ["a"]])
def test_a_text_holds_no_sign_that_nobody_types(text: object) -> None:
    assert refused(STRUCTURE | {"service": text}) == "service"


def test_ranks_go_from_one_to_the_highest_and_the_first_is_preferred() -> None:
    for rank in (1, HIGHEST_RANK):
        found = parse_publication(PERSON | {"rank": rank})
        assert (found.rank, found.preferred) == (rank, rank == 1)
    assert not parse_publication(PERSON | {"rank": 1, "preferred": False}).preferred
    for wrong in (0, -1, HIGHEST_RANK + 1, True, 1.0, "1"):
        assert refused(PERSON | {"rank": wrong}) == "rank"


def test_purposes_and_contacts_are_sets() -> None:
    body = PERSON | {"purposes": ["urgent", "report", "urgent"], "contacts": [CONTACT, dict(CONTACT)]}
    found = parse_publication(body)
    assert (found.purposes, found.contacts) == (("report", "urgent"), (Contact("phone", "0400000000"),))
    assert parse_publication(found.as_dict()) == found
    assert parse_publication(PERSON | {"purposes": list(PURPOSES)}).purposes == tuple(sorted(PURPOSES))
    for wrong in ("report", ["other"], [["report"]], [1]):
        assert refused(PERSON | {"purposes": wrong}) == "purposes"


def test_there_are_so_many_contacts_at_most() -> None:
    many = [{"system": "phone", "value": str(n)} for n in range(MOST_CONTACTS + 1)]
    assert len(parse_publication(PERSON | {"contacts": many[1:]}).contacts) == MOST_CONTACTS
    assert refused(PERSON | {"contacts": many}) == "contacts"


@pytest.mark.parametrize(
    ("contact", "field"),
    [
        (CONTACT | {"system": "a"}, "contacts.system"),
        (CONTACT | {"system": "1a"}, "contacts.system"),
        (CONTACT | {"system": "a" * 33}, "contacts.system"),
        (CONTACT | {"system": "a-"}, "contacts.system"),
        (CONTACT | {"value": " "}, "contacts.value"),
        (CONTACT | {"value": "x" * (LONGEST["value"] + 1)}, "contacts.value"),
        (CONTACT | {"use": "work"}, "contacts"),
        ("phone", "contacts"),
    ],
)
def test_a_contact_that_is_wrong(contact: object, field: str) -> None:
    assert refused(PERSON | {"contacts": [contact]}) == field


def test_what_is_null_was_not_said() -> None:
    nulls: dict[str, Any] = dict.fromkeys(("service", "paperless", "unlisted", "preferred", "rank", "purposes"))
    assert parse_publication(PERSON | nulls) == parse_publication(PERSON)
    assert refused({**PERSON, "type": None}) == "type"
    assert refused({**PERSON, "holder": None}) == "holder"


@pytest.mark.parametrize(
    ("kind", "person", "structure", "wrong"),
    [
        ("PER", True, False, ""), ("PER", True, True, ""), ("PER", False, True, "holder.person"),
        ("CAB", True, False, ""), ("CAB", True, True, "holder.structure"), ("CAB", False, False, "holder.person"),
        ("ORG", False, True, ""), ("ORG", True, True, "holder.person"), ("ORG", False, False, "holder.structure"),
        ("app", False, True, ""), ("app", False, False, "holder.structure"),
    ],
)  # fmt: skip
def test_who_holds_what(kind: str, person: bool, structure: bool, wrong: str) -> None:
    holder = {"person": "810000000018"} if person else {}
    holder |= {"structure": "1690000005"} if structure else {}
    body = {"type": kind, "holder": holder}
    if wrong:
        assert refused(body) == wrong
    else:
        assert parse_publication(body).type is MailboxType(kind.upper())


def test_a_person_answers_for_her_own_box() -> None:
    assert refused(PERSON | {"responsible": "M. Essai"}) == "responsible"
    assert parse_publication(PERSON | {"type": "CAB", "responsible": "M. Essai"}).responsible == "M. Essai"


@pytest.mark.parametrize("text", ["a..b@a.fr", ".a@a.fr", "a.@a.fr", '"a"@a.fr', "é@a.fr", "a@", "@a.fr", "a b@a.fr"])
def test_what_is_no_address_is_not_published(text: str) -> None:
    with pytest.raises(InvalidField):
        parse_address(text)
    assert parse_address(" A.B+c@A.FR ") == "a.b+c@a.fr"


def test_a_patch_is_as_deep_as_a_body_and_no_deeper() -> None:
    def nested(deep: int) -> dict[str, Any]:
        return {"a": nested(deep - 1)} if deep > 1 else {"a": 1}

    assert merge_patch({}, nested(DEEPEST)) == nested(DEEPEST)
    with pytest.raises(InvalidField):
        merge_patch({}, nested(DEEPEST + 1))


def test_the_version_does_not_depend_on_the_order_of_bindings() -> None:
    """The registry and the index read them each in their own."""
    one, other = ("1", None, "", ""), ("2", None, "", "")
    contacts, purposes = [Contact("phone", "1")], ["report"]
    both = [version_of("PER", True, False, purposes, contacts, held) for held in ([one, other], [other, one])]
    assert both[0] == both[1] == version_of("PER", True, False, tuple(purposes), tuple(contacts), (one, other))
    assert len({*both, version_of("PER", True, True, purposes, contacts, [one, other])}) == 2
