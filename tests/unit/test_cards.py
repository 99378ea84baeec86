"""Records as lines for a terminal."""

from __future__ import annotations

from typing import Any

from directory_service.commands.cards import card

PLACE: dict[str, Any] = {
    "id": "C01", "technical_id": "C01", "name": "CABINET", "trade_name": "CABINET", "status": "active", "sector": None,
    "finess": "", "siret": "", "address": None, "phones": [], "mailboxes": [{"address": "a@b.fr", "type": "CAB"}],
}  # fmt: skip


def test_what_is_the_same_of_a_structure_is_said_once() -> None:
    assert card(PLACE) == ["CABINET", "  Identifiant : C01", "  Adresse : a@b.fr, CAB (cabinet)"]
    other = PLACE | {"trade_name": "CHEZ NOUS", "id": "1690000005"}
    assert card(other)[:2] == ["CABINET ; CHEZ NOUS", "  Identifiant : 1690000005, C01"]


def test_a_structure_that_is_closed_is_said_to_be() -> None:
    assert card(PLACE | {"status": "inactive"})[1] == "  État : fermée"
