"""The trusted space as a white list of our own: what is in trust today, in the official form, signed by us."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from directory_service.registry.clock import now_text
from importers.whitelist.document import ListEntry, make_list
from importers.whitelist.signature import Seal, sign

__all__ = ["Seal", "listed", "signed_list"]


def listed(records: Iterable[Mapping[str, Any]]) -> tuple[list[ListEntry], list[str]]:
    """The entries of active operators, from ``entries.operators.operator_record`` with its contacts, by domain; and
    the names of those that hold domains and that no certificate names, whom a list cannot mean."""
    entries: list[ListEntry] = []
    without: list[str] = []
    for record in records:
        held = [d for d in record["domains"] if d["until"] is None] if record["status"] == "active" else []
        named = [d | {"subject": d.get("subject") or next(iter(record["subjects"]), "")} for d in held]
        if any(not d["subject"] for d in named):
            without.append(record["name"])
        entries += [_entry(d, record["contacts"]) for d in named if d["subject"]]
    return sorted(entries, key=lambda e: (e.domain, e.subject)), without


def _entry(domain: Mapping[str, Any], contacts: Mapping[str, Any]) -> ListEntry:
    own = {(c["domain"], c["subject"]): c for c in contacts["domains"]}
    told = own.get((domain["name"], domain["subject"]), contacts if domain["source"] == "manual" else {})
    responsible, support = told.get("responsible", ""), told.get("support", "")
    updated = domain.get("updated") or (domain["since"] if domain["source"] == "manual" else "")
    return ListEntry(domain["name"], domain["subject"], domain.get("description", ""), responsible, support, updated)


def signed_list(entries: Sequence[ListEntry], seal: Seal, generated: str | None = None) -> bytes:
    """The document; ``generated`` is the instant it bears, now by default: readers refuse one that goes back."""
    return sign(make_list(generated or now_text(), entries), seal)
