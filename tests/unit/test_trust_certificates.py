"""What a client certificate says of itself, and whom it names."""

from __future__ import annotations

import resource
from collections import Counter
from pathlib import Path

import pytest
import web_world as world
from certificates import Authority, make_key, text_of
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from record_factories import SUFFIX
from sqlalchemy import Engine

from directory_service.errors import Forbidden, InvalidInput, NotFound
from directory_service.index.directory import Directory
from directory_service.index.writer import build_index
from directory_service.model.mailboxes import CertificateRule
from directory_service.registry import operators
from directory_service.registry.engine import open_registry, reading, writing
from directory_service.registry.journal import decode, read_after
from directory_service.registry.overview import read_operators
from directory_service.tls import RevocationFile
from directory_service.trust.access import BadCredentials
from directory_service.trust.certificates import Certificates, Revocations, read_certificate


def test_a_certificate_meets_the_rules_of_its_key_its_subject_and_its_names(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "Essai")
    names = ("dns:MX.Example.org", "email:Bal@Example.org", "uri:urn:Essai:1", "uri:https://Essai.fr/Bal")
    made = authority.client("passerelle", names=names).read_bytes()
    found = read_certificate(made)
    issuer = "CN=Essai,O=Essai"
    assert found.rules[1:] == (
        CertificateRule("subject", issuer, "CN=passerelle,O=Essai"),
        CertificateRule("san", issuer, "dns:mx.example.org"),
        CertificateRule("san", issuer, "email:Bal@example.org"),
        CertificateRule("san", issuer, "uri:urn:essai:1"),
        CertificateRule("san", issuer, "uri:https://Essai.fr/Bal"),
    )
    pin = found.rule("pin")
    assert (pin.issuer, len(pin.value)) == ("", 64)
    same = x509.load_pem_x509_certificate(made)
    begins, ends = same.not_valid_before_utc, same.not_valid_after_utc
    assert (found.begins, found.ends) == (begins.timestamp(), ends.timestamp())
    assert read_certificate(same.public_bytes(Encoding.DER)) == read_certificate(b"0 text\n" + made) == found
    assert found.rule("san", "dns:mx.example.org").value == "dns:mx.example.org"
    with pytest.raises(InvalidInput, match="dns:mx"):
        found.rule("san", "dns:other")


def test_without_a_subject_it_is_nobody_s_by_its_subject_and_of_many_names_some_are_looked_at(tmp_path: Path) -> None:
    made = Authority(tmp_path).mail("", names=[f"dns:{n}.fr" for n in range(65)], subject=x509.Name([]))
    methods = Counter(rule.method for rule in read_certificate(text_of(made)).rules)
    assert methods == {"pin": 1, "san": 64}


def test_a_pin_is_what_openssl_computes(tmp_path: Path) -> None:
    """``openssl pkey -pubin -outform DER | sha256sum``: an independent look at the same octets."""
    import hashlib

    from cryptography.hazmat.primitives.serialization import PublicFormat

    key = make_key("rsa")
    found = read_certificate(Authority(tmp_path).client(key=key).read_bytes())
    octets = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert found.rule("pin").value == hashlib.sha256(octets).hexdigest()


@pytest.mark.parametrize("octets", [b"", b"odd", b"\x30\x03\x02\x01\x01", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_what_is_no_certificate_is_refused(octets: bytes) -> None:
    with pytest.raises(InvalidInput, match="illisible"):
        read_certificate(octets)
    if octets:
        with pytest.raises(InvalidInput, match="illisible"):
            Revocations(b"-----BEGIN X509 CRL-----\n" + octets)


def test_a_certificate_whose_names_spell_that_of_another_is_itself(tmp_path: Path) -> None:
    """An authority signs the names that it is asked to; DER that held a PEM text was read as that PEM."""
    authority = Authority(tmp_path, "Essai")
    victim = authority.client("victime")
    text = victim.read_bytes()[: victim.read_bytes().index(b"-----BEGIN PRIVATE")].decode("ascii")
    made = x509.load_pem_x509_certificate(authority.client("autre", names=(f"uri:urn:x:\n{text}",)).read_bytes())
    found = read_certificate(made.public_bytes(Encoding.DER))
    assert found.rule("subject").value == "CN=autre,O=Essai"
    assert found.rule("pin") != read_certificate(victim.read_bytes()).rule("pin")


@pytest.mark.parametrize("octets", [b"", b"\n", b"\x30\x82\x01"])
def test_a_file_without_any_list_is_not_a_list_that_revokes_nobody(octets: bytes) -> None:
    with pytest.raises(InvalidInput, match="illisible"):
        Revocations(octets)


def test_a_list_that_is_being_downloaded_lets_nobody_in_again(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "Essai")
    revoked = authority.client("revoque")
    path = authority.revoke(revoked, path=tmp_path / "crl.pem")
    lists = RevocationFile(str(path), 0.0)
    path.write_bytes(b"")
    assert read_certificate(revoked.read_bytes()) in lists.current()


def test_revocation_is_by_issuer_and_number(tmp_path: Path) -> None:
    one, other = Authority(tmp_path, "Une"), Authority(tmp_path, "Autre")
    revoked, kept = one.client(), one.client()
    theirs, later = other.client(), one.client()
    lists = one.revoke(revoked).read_bytes() + other.revoke(theirs).read_bytes()
    one.revoked.clear()
    found = Revocations(lists + one.revoke(later).read_bytes())
    for each in (revoked, theirs, later):
        assert read_certificate(each.read_bytes()) in found
    unlisted = read_certificate(kept.read_bytes())
    assert unlisted not in found
    assert unlisted._replace(serial=read_certificate(theirs.read_bytes()).serial) not in found
    assert read_certificate(revoked.read_bytes()) not in Revocations()


def test_one_rule_names_one_operator(registry: Engine) -> None:
    rule = CertificateRule("pin", "", "ab" * 32)
    with writing(registry) as connection:
        for name in ("un", "deux"):
            operators.add_operator(connection, name, actor="test")
        assert operators.add_certificate(connection, "un", rule, actor="test")
        assert not operators.add_certificate(connection, "un", rule, actor="test")
        with pytest.raises(InvalidInput, match="autre opérateur"):
            operators.add_certificate(connection, "deux", rule, actor="test")
        with pytest.raises(NotFound):
            operators.add_certificate(connection, "trois", rule, actor="test")
        assert not operators.remove_certificate(connection, "deux", rule, actor="test")
    with reading(registry) as connection:
        assert {o.name: o.certificates for o in read_operators(connection)} == {"un": (rule,), "deux": ()}
    with writing(registry) as connection:
        assert operators.remove_certificate(connection, "un", rule, actor="test")
        assert operators.add_certificate(connection, "deux", rule, actor="test")
        said = [decode(e.after) for e in read_after(connection, 0, 100) if e.kind == "certificate"]
    assert said == [{"added": rule._asdict()}, {"removed": rule._asdict()}, {"added": rule._asdict()}]


def test_who_a_certificate_names(tmp_path: Path) -> None:
    """By one rule; by two rules of one operator; by none; by two operators, hence nobody; by a suspended one."""
    directory, _ = world.build_world(tmp_path)
    directory.close()
    authority = Authority(tmp_path)
    made = {name: authority.client(name) for name in ("one", "twice", "none", "torn", "out")}
    certificates = {name: read_certificate(path.read_bytes()) for name, path in made.items()}
    engine = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    with writing(engine) as connection:
        for name in ("other", "gone"):
            operators.add_operator(connection, name, actor="test")
        for who, name, method in (
            (world.OPERATOR, "one", "pin"), (world.OPERATOR, "twice", "pin"), (world.OPERATOR, "twice", "subject"),
            (world.OPERATOR, "torn", "pin"), ("other", "torn", "subject"), ("gone", "out", "pin"),
        ):  # fmt: skip
            operators.add_certificate(connection, who, certificates[name].rule(method), actor="test")
        operators.suspend(connection, "gone", actor="test")
    build_index(engine, tmp_path / "again", SUFFIX, workers=1)
    engine.dispose()
    again = Directory(tmp_path / "again", SUFFIX)
    known = Certificates(again)

    def named(name: str, now: float | None = None, revocations: Revocations | None = None) -> str:
        moment = certificates[name].begins + 60 if now is None else now
        return known.operator_of(made[name].read_bytes(), moment, revocations or Revocations())

    assert named("one") == named("twice") == world.OPERATOR
    for name in ("none", "torn"):
        with pytest.raises(BadCredentials):
            named(name)
    with pytest.raises(Forbidden) as refused:
        named("out")
    assert not isinstance(refused.value, BadCredentials)
    for now in (certificates["one"].begins - 1, certificates["one"].ends):
        with pytest.raises(BadCredentials):
            named("one", now)
    with pytest.raises(BadCredentials):
        named("one", revocations=Revocations(authority.revoke(made["one"]).read_bytes()))
    with pytest.raises(BadCredentials):
        known.operator_of(b"odd", 0.0)
    again.close()


def test_a_revocation_list_that_could_not_be_opened_for_a_moment_is_taken_later(tmp_path: Path) -> None:
    """Though nothing of the file changes in between: here the process has no descriptor left."""
    authority = Authority(tmp_path, "Essai")
    path = authority.revoke(path=tmp_path / "crl.pem")
    lists = RevocationFile(str(path), 0.0)
    before = lists.current()
    authority.revoke(authority.client("revoque"), path=path)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        assert lists.current() is before
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    found = lists.current()
    assert found is not before and lists.current() is found
