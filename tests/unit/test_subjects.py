"""Names of certificates as white lists write them: what is one name, whose it is, and what its operator is called."""

from __future__ import annotations

import pytest

from directory_service.model.subjects import LONGEST_SLUG, Party, parse_subject, party_of, slug, subject_key

WRITTEN = "CN=mss.exemple.fr,OU=318310021300028,O=GIP EXEMPLE,ST=Paris (75),C=FR"


@pytest.mark.parametrize(
    "other",
    [
        WRITTEN.lower(),
        WRITTEN.replace(",", ",  "),
        "C=FR, ST=Paris  (75), O=GIP EXEMPLE, OU=318310021300028, CN=mss.exemple.fr",
        WRITTEN.replace("GIP EXEMPLE", '"GIP  EXEMPLE"'),
        WRITTEN.replace("Paris (75)", r"Paris \(75\)"),
    ],
)
def test_written_forms_of_one_name(other: str) -> None:
    assert subject_key(other) == subject_key(WRITTEN)
    assert party_of(other).key == party_of(WRITTEN).key == "OU=318310021300028"


@pytest.mark.parametrize("other", [WRITTEN.replace("mss.", "mss2."), WRITTEN + ",L=Paris", "mss.exemple.fr", ""])
def test_another_name(other: str) -> None:
    assert subject_key(other) != subject_key(WRITTEN)


def test_a_comma_between_quotes_or_escaped_is_of_the_value() -> None:
    assert parse_subject(r'O="A, B",OU=C\, D,no part,CN=E"') == (("O", "A, B"), ("OU", "C, D"), ("CN", "E"))


@pytest.mark.parametrize(
    ("subject", "party"),
    [
        ("O=A,OU=32a0000154", Party("OU=32A0000154", "A", "32A0000154")),
        ("O=A,O=B,OU=12345678,OU=87654321", Party("OU=12345678", "A", "12345678")),
        ("O=Été,OU=Service informatique", Party("O=été", "Été", "")),
        ("CN=a.fr,OU=1234567", Party("O=a.fr", "a.fr", "")),
        ("CN=a.fr,OU=12345678901234567", Party("O=a.fr", "a.fr", "")),
        (" none ", Party("O=none", "none", "")),
    ],
)
def test_the_organization_is_that_of_the_number_else_of_the_name(subject: str, party: Party) -> None:
    assert party_of(subject) == party


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("GIP EXEMPLE", "gip-exemple"),
        ("Société d'Édition", "societe-d-edition"),
        ("Société d’Édition", "societe-d-edition"),
        ("Fondation Œuvre du Lac", "fondation-oeuvre-du-lac"),
        ("« A_B » – 2", "a-b-2"),
        ("a" * (LONGEST_SLUG - 1) + " b", "a" * (LONGEST_SLUG - 1)),
        ("…", "operateur"),
        ("", "operateur"),
    ],
)
def test_what_its_operator_is_called(label: str, name: str) -> None:
    assert slug(label) == name
