"""A white list that cannot be trusted is refused with the exact reason, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import whitelist_world as world
from lxml import etree
from undo_world import contents
from whitelist_world import DAY, OVA, Lists, at, entry, tree

from directory_service.errors import ImportRefused
from directory_service.registry.engine import open_registry, reading
from directory_service.registry.runs import read_runs
from importers.whitelist.document import NAMESPACE, ROOT, make_list
from importers.whitelist.signature import DS, Seal, parse_safely, sign

A, EVIL = "a.mssante.fr", "malveillant.example"
NS = f"{{{NAMESPACE}}}"


@pytest.fixture
def lists(sqlite_template: Path, tmp_path: Path) -> Iterator[Lists]:
    """One database will do: nothing reaches it."""
    path = tmp_path / "registry.sqlite"
    path.write_bytes(sqlite_template.read_bytes())
    engine = open_registry(f"sqlite:///{path}")
    yield Lists(engine, tmp_path)
    engine.dispose()


def refused(lists: Lists, path: Path, why: str, day: int = 1) -> None:
    before = contents(lists.engine), runs(lists)
    with pytest.raises(ImportRefused, match=why) as refusal:
        lists.load(path, day, accept="même accepté")
    assert refusal.value.exit_code == 3
    assert refusal.value.where and path.name in refusal.value.where
    assert (contents(lists.engine), runs(lists)) == before


def runs(lists: Lists) -> int:
    with reading(lists.engine) as connection:
        return len(read_runs(connection))


def _text(data: bytes) -> bytes:
    return data.replace(b">a.mssante.fr<", b">b.mssante.fr<")


def _unsigned(data: bytes) -> bytes:
    root = tree(data)
    root.remove(root.find(f"{DS}Signature"))
    return etree.tostring(root)


def _added(data: bytes) -> bytes:
    """One more domain beside the signed ones."""
    root = tree(data)
    listed = root.find(f"{NS}ListeDomaines")
    listed.append(make_list("2026-11-01", [entry(EVIL)]).find(f".//{NS}Domaine"))
    return etree.tostring(root)


def _signature_value(data: bytes) -> bytes:
    root = tree(data)
    value = root.find(f".//{DS}SignatureValue")
    value.text = "A" + value.text[1:] if value.text[0] != "A" else "B" + value.text[1:]
    return etree.tostring(root)


def _wrapped(data: bytes) -> bytes:
    """The signed list moved aside, with its signature, in a list of the attacker's."""
    root = make_list("2026-11-09T06:00:00Z", [entry(EVIL)])
    aside = etree.SubElement(root, f"{NS}Extension")
    aside.append(tree(data))
    return etree.tostring(root)


def _wrapped_by_reference(data: bytes) -> bytes:
    """The same, the signature brought to the root and its reference pointed at what was moved."""
    root, signed = make_list("2026-11-09T06:00:00Z", [entry(EVIL)]), tree(data)
    signature = signed.find(f"{DS}Signature")
    signature.find(f".//{DS}Reference").set("URI", "#signe")
    signed.set("Id", "signe")
    etree.SubElement(root, f"{NS}Extension").append(signed)
    root.append(signature)
    return etree.tostring(root)


def _two_signatures(data: bytes) -> bytes:
    root = tree(data)
    root.append(tree(etree.tostring(root.find(f"{DS}Signature"))))
    return etree.tostring(root)


def _other_transform(data: bytes) -> bytes:
    root = tree(data)
    transforms = root.find(f".//{DS}Transforms")
    etree.SubElement(transforms, f"{DS}Transform", Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116")
    return etree.tostring(root)


def _algorithm(name: str, value: str) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        root = tree(data)
        root.find(f".//{DS}{name}").set("Algorithm", value)
        return etree.tostring(root)

    return change


TAMPERED = [
    (_text, "modifié depuis la signature"),
    (_added, "modifié depuis la signature"),
    (_signature_value, "signature fausse"),
    (_unsigned, "pas signée"),
    (_wrapped, "une seule signature"),
    (_wrapped_by_reference, "toute la liste, et elle seule"),
    (_two_signatures, "une seule signature"),
    (_other_transform, "signature enveloppée"),
    (_algorithm("SignatureMethod", "http://www.w3.org/2000/09/xmldsig#rsa-sha1"), "RSA-SHA256"),
    (_algorithm("SignatureMethod", "http://www.w3.org/2000/09/xmldsig#hmac-sha1"), "RSA-SHA256"),
    (_algorithm("DigestMethod", "http://www.w3.org/2000/09/xmldsig#sha1"), "SHA-256"),
    (_algorithm("CanonicalizationMethod", "http://www.w3.org/2006/12/xml-c14n11"), "canonicalisation exclusive"),
    (lambda data: data[:-200], "mal formé"),
    (lambda data: data.replace(NAMESPACE.encode(), b"urn:autre"), "modifié|racine"),
    (lambda data: b"<!DOCTYPE l [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" + data.partition(b"?>")[2], "DTD"),
    (lambda data: data.replace(b"UTF-8", b"UTF-7", 1), "UTF-8"),
]


@pytest.mark.parametrize(("change", "why"), TAMPERED, ids=lambda v: getattr(v, "__name__", v))
def test_a_list_that_was_tampered_with_is_refused(lists: Lists, change: Callable[[bytes], bytes], why: str) -> None:
    refused(lists, lists.write(1, entry(A), change=change), why)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "cp037"])
def test_a_document_type_is_found_in_any_encoding_that_parsers_guess(encoding: str) -> None:
    text = f"<?xml version='1.0'?><!DOCTYPE l [<!ENTITY e 'x'>]><l>&e;</l><!-- {ROOT} -->"
    with pytest.raises(ImportRefused, match="UTF-8"):
        parse_safely(text.encode(encoding))


def test_a_comment_put_into_a_signed_text_does_not_cut_it(lists: Lists) -> None:
    """Canonical XML leaves comments out, so that the signature still holds: what is read must be what it covers."""
    path = lists.write(1, entry("bon.example"), change=lambda d: d.replace(b"bon.example", b"bon.<!-- -->example"))
    lists.load(path, 1)
    trust = lists.day(2, entry("bon.example")).counts["domain"]
    assert trust == {"unchanged": 1}


def test_without_anchors_the_refusal_says_what_to_do(lists: Lists) -> None:
    path = lists.write(1, entry(A))
    lists.anchors = None
    refused(lists, path, "ANNUAIRE_TRUST_ANCHORS")


def test_anchors_that_do_not_read_are_told(lists: Lists) -> None:
    path = lists.write(1, entry(A))
    for content in (b"", b"rien"):
        assert lists.anchors is not None
        lists.anchors.write_bytes(content)
        refused(lists, path, "autorités de confiance")
    lists.anchors.unlink()
    refused(lists, path, "ce fichier n'existe pas")


def test_another_authority_is_refused_even_of_the_same_name(lists: Lists) -> None:
    other = world.certificate("Autorite", world.key(5))
    made = world.certificate("Sceau", world.key(1), (other, world.key(5)))
    refused(lists, lists.write(1, entry(A), by=Seal(world.key(1), (made,))), "autorité de confiance")
    alone = world.certificate("Seul", world.key(6))
    refused(lists, lists.write(1, entry(A), by=Seal(world.key(6), (alone,))), "autorité de confiance")


@pytest.mark.parametrize(("since", "lasts", "why"), [(-3 * DAY, -DAY, "expiré le"), (DAY, 3 * DAY, "pas encore")])
def test_a_certificate_out_of_its_dates_is_refused(lists: Lists, since: timedelta, lasts: timedelta, why: str) -> None:
    made = world.certificate("Sceau", world.key(1), (world.authority(), world.key(0)), since=since, lasts=lasts)
    refused(lists, lists.write(1, entry(A), by=Seal(world.key(1), (made,))), why)


def test_another_certificate_of_the_same_authority_is_refused_where_one_signer_is_named(lists: Lists) -> None:
    """An authority issues certificates to thousands; one of them signs lists."""
    other = world.certificate("Hopital", world.key(7), (world.authority(), world.key(0)))
    path = lists.write(1, entry(EVIL), by=Seal(world.key(7), (other,)))
    for signer, why in (("cn=sceau", "signataire attendu"), ("Sceau", "un nom de certificat")):
        with pytest.raises(ImportRefused, match=why):
            lists.load(path, 1, signer=signer)
    assert runs(lists) == 0
    assert lists.day(1, entry(A), name="bonne.xml", signer="cn=sceau").counts["domain"]["created"] == 1


def test_a_certificate_that_may_not_sign_is_refused(lists: Lists) -> None:
    made = world.certificate("Sceau", world.key(1), (world.authority(), world.key(0)), key_encipherment=True)
    refused(lists, lists.write(1, entry(A), by=Seal(world.key(1), (made,))), "autorité de confiance")


def test_a_certificate_of_an_intermediate_authority_comes_with_its_chain(lists: Lists) -> None:
    """Anchors may be a folder; the chain in the signature leads to one of them."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import NameOID

    root, key, now = world.authority(), world.key(2), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Intermediaire")])
    own = world.certificate("Intermediaire", key)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(root.subject).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(now - DAY).not_valid_after(now + DAY)
    for extension in own.extensions:
        if extension.oid != x509.ExtensionOID.AUTHORITY_KEY_IDENTIFIER:
            made = made.add_extension(extension.value, extension.critical)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key())
    intermediate = made.add_extension(identifier, critical=False).sign(world.key(0), hashes.SHA256())
    leaf = world.certificate("Sceau", world.key(1), (intermediate, key))
    assert lists.anchors is not None
    folder = lists.folder / "ancres"
    folder.mkdir()
    lists.anchors = lists.anchors.rename(folder / "ancre.pem").parent
    for number, chain in enumerate(((leaf, intermediate), (intermediate, leaf)), 1):
        assert lists.load(lists.write(number, entry(A), by=Seal(world.key(1), chain)), number).status != "stopped"
    refused(lists, lists.write(3, entry(A), by=Seal(world.key(1), (leaf,))), "autorité de confiance")


def test_an_older_list_is_a_replay_even_when_it_was_good(lists: Lists) -> None:
    old = lists.write(1, entry(A), entry("ancien.mssante.fr"))
    lists.load(old, 1)
    lists.day(3, entry(A))
    refused(lists, old, "rejeu", day=4)
    refused(lists, lists.write(2, entry(EVIL)), "rejeu", day=4)
    assert lists.day(4, entry(A)).status == "unchanged"
    refused(lists, lists.write(3, entry(EVIL), name="encore.xml"), "rejeu", day=5)


def test_a_date_to_come_would_shut_out_the_next_ones(lists: Lists) -> None:
    data = sign(make_list("2999-01-01T00:00:00Z", [entry(A)]), world.seal())
    path = lists.folder / "demain.xml"
    path.write_bytes(data)
    refused(lists, path, "à venir")


MALFORMED = [
    ("Nom", "pas un domaine", "nom de domaine"),
    ("DNCertificatOperateur", "sans type", "DNCertificatOperateur"),
    ("DateMAJ", "hier", "ISO 8601"),
    ("DateDeGeneration", "", "DateDeGeneration"),
]


@pytest.mark.parametrize(("name", "value", "why"), MALFORMED)
def test_a_signed_list_that_lacks_what_it_must_say_is_refused(lists: Lists, name: str, value: str, why: str) -> None:
    root = make_list("2026-11-01T06:00:00Z", [entry(A), entry(A, OVA)])
    root.find(f".//{NS}{name}").text = value
    path = lists.folder / "liste.xml"
    path.write_bytes(sign(root, world.seal()))
    refused(lists, path, why)


def test_an_entry_that_is_there_twice_is_taken_as_it_was_last_updated(lists: Lists) -> None:
    lists.day(1, entry(A, updated="2026-03-01T00:00:00Z", support="2"), entry(A, support="1"))
    assert lists.day(2, entry(A, updated="2026-03-01T00:00:00Z", support="2")).status == "unchanged"
    assert at(1) < at(2)
