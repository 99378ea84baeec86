"""Domains of mail as they are kept: one form for what is one, none for what is none."""

from __future__ import annotations

import pytest

from directory_service.model.trust import domain_name

LABEL = "a" * 63


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a.fr", "a.fr"),
        (" Medecin.MSSante.FR. ", "medecin.mssante.fr"),
        ("xn--sant-epa.fr", "xn--sant-epa.fr"),
        ("1.2-3.fr", "1.2-3.fr"),
        (f"{LABEL}.fr", f"{LABEL}.fr"),
        (f"{LABEL}.{LABEL}.{LABEL}.{'b' * 58}.fr", f"{LABEL}.{LABEL}.{LABEL}.{'b' * 58}.fr"),
        (f"{LABEL}a.fr", ""),
        (f"{LABEL}.{LABEL}.{LABEL}.{'b' * 59}.fr", ""),
        *((text, "") for text in ("", ".", "fr", "a.f", "a..fr", "-a.fr", "a-.fr", "a.1fr", "santé.fr", "a b.fr")),
        *((text, "") for text in ("a.fr\n.fr", "\N{KELVIN SIGN}.fr", "_a.fr", "@a.fr", "x@a.fr")),
    ],
)
def test_a_domain_has_one_form(text: str, name: str) -> None:
    assert domain_name(text) == name
