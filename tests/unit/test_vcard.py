"""vCards: what people's programs read back from them, by a library that is not ours."""

from __future__ import annotations

from typing import Any

import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st

from directory_service.entries.vcard import (
    Line,
    Version,
    escape,
    mailbox_card,
    organization_card,
    practitioner_card,
    uid_of,
    write,
)

CHANGED = "20260601034500Z"
PLACE = {
    "recipient": None, "point": None, "street": "12 Rue DES LILAS; BAT. A, 2E", "distribution": "BP 12",
    "cedex": None, "postcode": "69003", "city": "LYON", "city_code": "69383",
    "department": {"code": "69", "label": "Rhône"}, "country": None,
}  # fmt: skip
ZOE: dict[str, Any] = {
    "id": "810900000018",
    "rpps": "10900000018",
    "adeli": ["691234563"],
    "status": "active",
    "title": {"code": "DR", "label": "Docteur"},
    "family_name": "D'ESSAI",
    "given_names": "ZOÉ MARIE",
    "profession": {"code": "10", "label": "Médecin"},
    "specialties": [{"code": "SM04", "label": "Cardiologie, et maladies vasculaires"}],
    "activities": [
        {"structure": {"id": "169", "name": "CH; D'ESSAI"}, "address": PLACE, "phones": ["0472000000", "+41 22"]},
        {"structure": {"id": "410", "name": "410"}, "address": PLACE, "phones": ["0472000000"]},
    ],
    "mailboxes": [
        {"address": "zoe@cabinet.mssante.fr", "preferred": False},
        {"address": "zoe.d-essai@medecin.mssante.fr", "preferred": True},
    ],
}  # fmt: skip


def read(card: bytes) -> Any:
    return vobject.readOne(card.decode())


@pytest.mark.parametrize("version", list(Version))
def test_a_practitioner_is_read_back(version: Version) -> None:
    card = read(practitioner_card(ZOE, CHANGED, version))
    assert card.version.value == version.value
    assert card.uid.value == uid_of("practitioner", ZOE["id"])
    assert card.fn.value == "Dr Zoé Marie D'ESSAI"
    assert (card.n.value.family, card.n.value.given, card.n.value.prefix) == ("D'ESSAI", "Zoé Marie", "Dr")
    assert (card.title.value, card.role.value) == ("Médecin", "Cardiologue")
    assert card.org.value == ["CH; D'ESSAI"]
    (place,) = [a.value for a in card.adr_list]
    assert (place.street, place.city, place.code, place.box) == ("12 Rue DES LILAS; BAT. A, 2E", "LYON", "69003", "")
    assert place.extended == "BP 12"
    assert [e.value for e in card.email_list] == [b["address"] for b in ZOE["mailboxes"]]
    assert card.rev.value == "20260601T034500Z"
    assert (card.x_rpps.value, card.x_adeli.value) == (ZOE["rpps"], ZOE["adeli"][0])


def test_version_4_says_what_3_cannot() -> None:
    card = read(practitioner_card(ZOE, CHANGED))
    assert card.kind.value == "individual"
    assert [t.value for t in card.tel_list] == ["tel:+33472000000", "+41 22"]
    assert [e.params.get("PREF") for e in card.email_list] == [None, ["1"]]
    old = read(practitioner_card(ZOE, CHANGED, Version.V3))
    assert "kind" not in old.contents
    assert [t.value for t in old.tel_list] == ["0472000000", "+41 22"]
    assert [("PREF" in e.params["TYPE"]) for e in old.email_list] == [False, True]


def test_structures_and_mailboxes_are_organizations() -> None:
    place = {
        "id": "1690000005", "name": "CENTRE HOSPITALIER D'ESSAI", "trade_name": "CH d'Essai", "finess": "690000005",
        "siret": None, "status": "inactive", "sector": None, "address": PLACE, "phones": [], "fax": "0472000001",
        "mailboxes": [],
    }  # fmt: skip
    card = read(organization_card(place))
    assert (card.kind.value, card.fn.value, card.x_finess.value) == ("org", "CH d'Essai", "690000005")
    assert card.tel.params["TYPE"] == ["work,fax"] or set(card.tel.params["TYPE"]) == {"work", "fax"}
    assert "fermée" in card.note.value
    holder = {"label": "Cardiologie - CH", "kind": "structure", "until": None, "listed": True, "service": "Cardiologie",
              "structures": [{"id": "1", "name": "CH"}], "family_name": None, "given_names": None}  # fmt: skip
    box = read(mailbox_card({"address": "cardio@ch.mssante.fr", "holders": [holder]}))
    assert (box.kind.value, box.org.value, box.email.value) == ("org", ["CH", "Cardiologie"], "cardio@ch.mssante.fr")


def test_one_record_has_one_uid() -> None:
    assert uid_of("practitioner", "8109") == uid_of("practitioner", "8109")
    assert uid_of("practitioner", "8109") != uid_of("organization", "8109")
    assert uid_of("practitioner", "8109").startswith("urn:uuid:")


@given(st.text())
def test_any_text_comes_back_as_it_was(text: str) -> None:
    """But for control characters, and whatever ends a line."""
    octets = write([Line("VERSION", "4.0"), Line("FN", "x"), Line("N", "x;;;;"), Line("NOTE", escape(text))])
    for line in octets.split(b"\r\n"):
        assert len(line) <= 75
        line.decode()  # no character is cut
    unfolded = octets.decode().replace("\r\n ", "")
    value = unfolded.partition("NOTE:")[2].partition("\r\n")[0]
    told = value.replace("\\\\", "\0").replace("\\n", "\n").replace("\\,", ",").replace("\\;", ";").replace("\0", "\\")
    wanted = "".join(
        c for c in text.replace("\r\n", "\n").replace("\r", "\n") if c == "\t" or c == "\n" or ord(c) >= 32
    )
    assert told == wanted.replace("\x7f", "")


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1))
def test_the_library_reads_any_text(text: str) -> None:
    octets = write([Line("VERSION", "4.0"), Line("FN", "x"), Line("N", "x;;;;"), Line("NOTE", escape(f"a{text}b"))])
    assert read(octets).note.value == f"a{text}b"
