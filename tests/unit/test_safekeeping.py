"""What ``doctor`` says of keys, certificates and revocation lists, by the day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from certificates import Authority, text_of

from directory_service.errors import RegistryUnavailable
from directory_service.safekeeping import SOON, certificates_last, keys_are_private, lists_last, signer_is_named
from directory_service.settings import Settings


@pytest.mark.parametrize("setting", ["trust_anchors", "smime_anchors", "signing_certificate", "http_tls_certificate"])
def test_a_certificate_is_told_a_fortnight_before_its_end(tmp_path: Path, setting: str) -> None:
    authority = Authority(tmp_path)
    settings, end = Settings(**{setting: str(authority.path)}), authority.certificate.not_valid_after_utc
    assert setting in certificates_last(settings, end - SOON)
    for late in (end - SOON + timedelta(seconds=1), end + SOON):
        with pytest.raises(RegistryUnavailable, match=setting):
            certificates_last(settings, late)


def test_an_authority_that_ended_may_stand_beside_its_successor(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    old, new = (authority.mail("a@b.fr", lasts=timedelta(days=days)) for days in (1, 100))
    (tmp_path / "both.pem").write_bytes(text_of(old, new))
    settings = Settings(trust_anchors=str(tmp_path / "both.pem"))
    assert certificates_last(settings, old.not_valid_after_utc + timedelta(days=1))
    with pytest.raises(RegistryUnavailable):
        certificates_last(settings, new.not_valid_after_utc)


def test_a_list_is_told_once_it_is_past_its_date(tmp_path: Path) -> None:
    settings = Settings(smime_crl=str(Authority(tmp_path).revoke()))
    assert "smime_crl" in lists_last(settings)
    with pytest.raises(RegistryUnavailable, match="smime_crl"):
        lists_last(settings, datetime.now(UTC) + timedelta(days=4000))


def test_who_signs_white_lists_is_named_or_is_the_anchor(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    signer = tmp_path / "signer.pem"
    signer.write_bytes(text_of(authority.mail("a@b.fr")))
    assert "aucune" in signer_is_named(Settings())
    assert "ancre" in signer_is_named(Settings(trust_anchors=str(signer)))
    with pytest.raises(RegistryUnavailable, match="trust_signer"):
        signer_is_named(Settings(trust_anchors=str(authority.path)))
    assert signer_is_named(Settings(trust_anchors=str(authority.path), trust_signer="CN=liste,C=FR"))


def test_keys_are_for_their_owner(tmp_path: Path) -> None:
    settings = Settings(keys=str(tmp_path / "keys"))
    assert keys_are_private(settings) and not (tmp_path / "keys").exists()  # nothing is made
    (tmp_path / "keys").mkdir(mode=0o700)
    key = tmp_path / "keys" / "a.json"
    key.touch(0o600)
    assert keys_are_private(settings).startswith("1 clé de signature")
    key.chmod(0o640)
    with pytest.raises(RegistryUnavailable, match=r"a\.json"):
        keys_are_private(settings)
