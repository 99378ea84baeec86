"""Receipts: what they say, what private ones keep to themselves, and that another JOSE implementation checks them."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import jwt
import pytest

from directory_service.errors import InvalidInput
from directory_service.registry.clock import format_instant
from directory_service.trust.keys import Keyring, Keys, add_key
from directory_service.trust.receipts import TYP, Checked, Form, Receipts, hash_of
from directory_service.trust.verdicts import Outcome, Verdict, reason
from directory_service.trust.verify import Question

AT = "2026-11-26T08:00:00Z"
ADDRESS, NAME, PERSON = "zoe.d-essai@medecin.mssante.fr", "Dr Zoé D’Essai", "810000000018"
QUESTION = Question("Zoe.D-Essai@medecin.mssante.fr", PERSON, NAME, datetime(2026, 11, 26, 8, tzinfo=UTC))
VERDICT = Verdict(Outcome.VERIFIED, ADDRESS, AT, "b.1", (reason("address_open"), reason("name_matches")))


@pytest.fixture
def receipts(tmp_path: Path) -> Receipts:
    return Receipts(Keys(tmp_path / "keys"), "https://annuaire.example")


def checked_elsewhere(token: str, jwks: dict[str, object]) -> dict[str, object]:
    """By PyJWT, which knows nothing of ours but the published keys."""
    header = jwt.get_unverified_header(token)
    assert header["typ"] == TYP and header["alg"] == "ES256"
    key = jwt.PyJWKSet.from_dict(json.loads(json.dumps(jwks)))[header["kid"]]
    return dict(jwt.decode(token, key, algorithms=["ES256"], issuer="https://annuaire.example"))


def test_another_implementation_checks_a_receipt_by_the_published_keys(receipts: Receipts) -> None:
    receipt = receipts.give(QUESTION, VERDICT, Form.PLAIN)
    claims = checked_elsewhere(receipt.token, receipts.keys.ring().jwks())
    assert abs(int(str(claims.pop("iat"))) - datetime.now(UTC).timestamp()) < 60
    assert len(str(claims.pop("jti"))) == 32
    assert claims == {
        "iss": "https://annuaire.example",
        "asked": {"address": ADDRESS, "person": PERSON, "name": NAME, "at": AT, "as": "recipient"},
        "verdict": "verified",
        "reasons": ["address_open", "name_matches"],
        "at": AT,
        "build": "b.1",
    }
    assert receipt.as_dict() == {"receipt": receipt.token}


def test_it_refuses_what_was_changed(receipts: Receipts) -> None:
    head, body, mark = receipts.give(QUESTION, VERDICT, Form.PLAIN).token.split(".")
    other = receipts.give(Question("a@b.fr"), VERDICT, Form.PLAIN).token.split(".")[1]
    for token in (f"{head}.{other}.{mark}", f"{head}.{body}.{mark[:-8]}AAAAAAAA"):
        with pytest.raises(jwt.InvalidSignatureError):
            checked_elsewhere(token, receipts.keys.ring().jwks())
        with pytest.raises(InvalidInput):
            Checked.of(token, receipts.keys.ring())


def test_a_private_receipt_names_nobody_and_each_value_is_proved_by_its_own_salt(receipts: Receipts) -> None:
    receipt = receipts.give(QUESTION, VERDICT, Form.PRIVATE)
    claims = checked_elsewhere(receipt.token, receipts.keys.ring().jwks())
    for secret in (ADDRESS, "essai@", NAME, PERSON, "Essai"):
        assert secret.casefold() not in json.dumps(claims, ensure_ascii=False).casefold()
    hashes = claims["asked_sha256"]
    assert hashes == {
        field: hashlib.sha256((receipt.salts[field] + value).encode()).hexdigest()
        for field, value in (("address", ADDRESS), ("person", PERSON), ("name", NAME))
    }
    assert len(set(receipt.salts.values())) == 3 and receipt.as_dict()["receipt_salts"] == receipt.salts
    assert claims["asked"] == {"at": AT, "as": "recipient"}
    found = Checked.of(receipt.token, receipts.keys.ring())
    assert found.shows("address", " " + ADDRESS.upper(), receipt.salts["address"])
    assert not found.shows("address", "other@medecin.mssante.fr", receipt.salts["address"])
    assert not found.shows("address", ADDRESS, receipt.salts["name"])
    assert not Checked.of(receipts.give(QUESTION, VERDICT, Form.PLAIN).token, receipts.keys.ring()).shows(
        "address", ADDRESS, ""
    )


def test_what_was_not_asked_has_no_salt_and_proves_nothing(receipts: Receipts) -> None:
    receipt = receipts.give(Question(ADDRESS), VERDICT, Form.PRIVATE)
    assert receipt.salts.keys() == {"address"}
    found = Checked.of(receipt.token, receipts.keys.ring())
    assert not found.shows("name", "", receipt.salts["address"])
    with pytest.raises(InvalidInput):
        found.shows("verdict", "verified", receipt.salts["address"])


def test_each_value_alone_is_kept_private(receipts: Receipts) -> None:
    for field, question in (("person", Question(ADDRESS, PERSON)), ("name", Question(ADDRESS, name=NAME))):
        receipt = receipts.give(question, VERDICT, Form.PRIVATE)
        claims = Checked.of(receipt.token, receipts.keys.ring()).claims
        assert claims["asked"] == {"as": "recipient"}
        assert receipt.salts.keys() == claims["asked_sha256"].keys() == {"address", field}


def test_values_are_compared_as_a_terminal_gives_them(receipts: Receipts) -> None:
    """With spaces around, and octets that are no text."""
    receipt = receipts.give(QUESTION, VERDICT, Form.PRIVATE)
    found = Checked.of(receipt.token, receipts.keys.ring())
    assert found.shows("name", f" {NAME}\n", receipt.salts["name"])
    assert not found.shows("name", "\udcff", receipt.salts["name"])
    assert hash_of("", "\udcff") != hash_of("", "?")


def test_no_part_of_a_value_passes_for_salt(receipts: Receipts) -> None:
    """Salt and value are hashed one after the other: moving the border between them must prove nothing."""
    receipt = receipts.give(QUESTION, VERDICT, Form.PRIVATE)
    found, salt = Checked.of(receipt.token, receipts.keys.ring()), receipt.salts["address"]
    for cut in range(1, 12):
        assert not found.shows("address", ADDRESS[cut:], salt + ADDRESS[:cut])
        assert not found.shows("address", salt[-cut:] + ADDRESS, salt[:-cut])


def test_two_receipts_of_one_question_have_nothing_in_common_that_names_it(receipts: Receipts) -> None:
    one, two = (receipts.give(QUESTION, VERDICT, Form.PRIVATE) for _ in range(2))
    assert not set(one.salts.values()) & set(two.salts.values())
    assert hash_of(one.salts["address"], ADDRESS) != hash_of(two.salts["address"], ADDRESS)


def test_of_now_the_instant_is_told_all_the_same(receipts: Receipts) -> None:
    token = receipts.give(Question(ADDRESS, sender=""), VERDICT, Form.PLAIN).token
    claims = Checked.of(token, receipts.keys.ring()).claims
    assert (claims["at"], claims["asked"]) == (AT, {"address": ADDRESS, "as": "sender"})


def test_the_sender_side_says_which_operator(receipts: Receipts) -> None:
    token = receipts.give(Question(ADDRESS, sender="essai"), VERDICT, Form.PRIVATE).token
    assert Checked.of(token, receipts.keys.ring()).claims["asked"] == {"as": "sender", "operator": "essai"}


def test_a_running_process_signs_with_a_new_key_and_old_receipts_go_on_checking(tmp_path: Path) -> None:
    clock = [datetime(2026, 11, 26, 8, tzinfo=UTC).timestamp()]
    keys = Keys(tmp_path, lambda: clock[0])
    receipts = Receipts(keys, "x")
    before = receipts.give(QUESTION, VERDICT, Form.PLAIN).token
    kid = add_key(tmp_path, now="2026-11-26T08:00:01Z")
    clock[0] += 2
    after = receipts.give(QUESTION, VERDICT, Form.PLAIN).token
    assert jwt.get_unverified_header(after)["kid"] == kid != jwt.get_unverified_header(before)["kid"]
    public = Keyring.of_jwks(json.dumps(keys.ring().jwks()).encode())
    assert [Checked.of(token, public).claims["verdict"] for token in (before, after)] == ["verified"] * 2


def test_a_key_to_come_is_published_before_it_signs(tmp_path: Path) -> None:
    clock = [datetime(2026, 11, 26, 8, tzinfo=UTC).timestamp()]
    keys = Keys(tmp_path, lambda: clock[0])
    first = keys.ring().current.kid
    later = format_instant(datetime.fromtimestamp(clock[0] + 600, UTC))
    coming = add_key(tmp_path, now=later)
    clock[0] += 2
    assert keys.ring().current.kid == first
    assert [key["kid"] for key in keys.ring().jwks()["keys"]] == [coming, first]
    meanwhile = add_key(tmp_path, now=format_instant(datetime.fromtimestamp(clock[0], UTC)))
    clock[0] += 2
    assert keys.ring().current.kid == meanwhile
    for _ in range(24):  # though somebody asks all the time
        clock[0] += 30
        keys.ring()
    assert keys.ring().current.kid == coming


def test_of_two_keys_made_in_one_second_the_later_signs(tmp_path: Path) -> None:
    for number in range(8):
        kid = add_key(tmp_path, now=AT)
        os.utime(tmp_path / f"{kid}.json", ns=(number, number))
    assert Keyring.open(tmp_path, now=AT).current.kid == kid


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'{"keys":[{"kty":"EC"}]}', b'{"keys":1}', b"\xff"])
def test_what_is_no_set_of_keys_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidInput):
        Keyring.of_jwks(text)


def test_keys_of_other_kinds_in_a_set_are_passed_over(receipts: Receipts) -> None:
    jwks = receipts.keys.ring().jwks()
    jwks["keys"].append({"kty": "OKP", "crv": "Ed25519", "x": "x"})
    token = receipts.give(QUESTION, VERDICT, Form.PLAIN).token
    assert Checked.of(token + "\n", Keyring.of_jwks(json.dumps(jwks).encode())).claims
