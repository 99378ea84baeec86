"""What is looked at before a certificate is published for a mailbox: one test for each way to be refused."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from certificates import Authority, name_of, text_of
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from directory_service.errors import AnnuaireError, InvalidInput
from directory_service.model.certificates import MailCertificate
from directory_service.trust import smime
from directory_service.trust.smime import MOST_OCTETS, CertificateRefused, MailTrust, Owner, owned, read_upload, vet

ZOE = "zoe.d-essai@medecin.mssante.fr"
HOSPITAL = "1690000005"


def now() -> datetime:
    """Not a constant: a whole suite takes longer than the dates of these certificates are apart."""
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("smime"), "Racine")


def trust_of(*authorities: Authority, lists: str = "") -> MailTrust:
    folder = authorities[0].folder / "anchors"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for authority in authorities:
        (folder / authority.path.name).write_bytes(authority.path.read_bytes())
    return MailTrust.read(str(folder), lists)


def check(
    found: x509.Certificate, owner: Owner, trust: MailTrust, given: Sequence[x509.Certificate] = ()
) -> MailCertificate:
    """Both halves, as who publishes asks them."""
    vet(found, trust, now(), given)
    return owned(found, owner)


def refusal(
    found: x509.Certificate, trust: MailTrust, owner: Owner | None = None, given: Sequence[x509.Certificate] = ()
) -> str:
    """The check that it failed; empty for none."""
    try:
        check(found, owner or Owner(ZOE), trust, given)
    except CertificateRefused as error:
        assert ZOE not in str(error) and "Boite" not in str(error)
        return error.where or ""
    return ""


def org(unit: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit), *name_of("Cardiologie")])


def emailed(address: str) -> x509.Name:
    return x509.Name([*name_of("Boite"), x509.NameAttribute(NameOID.EMAIL_ADDRESS, address)])


def test_a_good_one_is_read_whole(root: Authority) -> None:
    found = check(root.mail(ZOE.upper()), Owner(ZOE), trust_of(root))
    assert found.uses == ("signature", "encryption")
    assert found.issuer == "CN=Racine,O=Essai" and len(found.sha256) == 64
    assert found.not_before < now().strftime("%Y-%m-%dT%H:%M:%SZ") < found.not_after


Made = Callable[[Authority], x509.Certificate]


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (lambda a: a.mail("jean@medecin.mssante.fr"), "titulaire"),
        (lambda a: a.mail(ZOE, names=()), "titulaire"),
        (lambda a: a.mail(ZOE, names=("dns:medecin.mssante.fr",)), "titulaire"),
        (lambda a: a.mail(ZOE, names=("email:autre@x.fr", f"email:{ZOE}")), ""),
        (lambda a: a.mail(ZOE, names=(), subject=emailed(ZOE)), ""),
        (lambda a: a.mail(ZOE, names=("email:autre@x.fr",), subject=emailed(ZOE)), ""),
        (lambda a: a.mail(ZOE, names=(), subject=org(HOSPITAL)), "titulaire"),  # she is no structure
        (lambda a: a.mail(ZOE, lasts=-timedelta(minutes=1)), "validité"),
        (lambda a: a.mail(ZOE, since=timedelta(minutes=5)), "validité"),
        (lambda a: a.mail(ZOE, key=rsa.generate_private_key(65537, 1024)), "clé"),
        (lambda a: a.mail(ZOE, key=ec.generate_private_key(ec.SECP224R1())), "clé"),
        (lambda a: a.mail(ZOE, key=ed25519.Ed25519PrivateKey.generate()), "clé"),
        (lambda a: a.mail(ZOE, key=rsa.generate_private_key(65537, 2048)), ""),
        (lambda a: a.mail(ZOE, usage=ExtendedKeyUsageOID.SERVER_AUTH), "usage"),
        (lambda a: a.mail(ZOE, usage=ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE), ""),
        (lambda a: a.mail(ZOE, uses=("key_cert_sign",)), "usage"),
        (lambda a: a.mail(ZOE, uses=None), ""),
    ],
)
def test_what_it_says_of_itself(root: Authority, make: Made, where: str) -> None:
    assert refusal(make(root), trust_of(root)) == where


def test_a_key_for_one_purpose_says_which(root: Authority) -> None:
    for uses, said in ((("content_commitment",), ("signature",)), (("key_agreement",), ("encryption",))):
        assert check(root.mail(ZOE, uses=uses), Owner(ZOE), trust_of(root)).uses == said


def test_a_structure_s_own_mailbox_may_have_one_that_names_the_structure(root: Authority) -> None:
    owner = Owner("cardiologie@ch-essai.mssante.fr", frozenset({HOSPITAL}))
    assert refusal(root.mail("", names=(), subject=org(HOSPITAL)), trust_of(root), owner) == ""
    assert refusal(root.mail("", names=(), subject=org("1690000006")), trust_of(root), owner) == "titulaire"
    assert refusal(root.mail(ZOE, subject=org(HOSPITAL)), trust_of(root), owner) == "titulaire"  # it names another box


def test_its_chain_leads_to_an_anchor(root: Authority) -> None:
    middle = root.below("Intermediaire")
    found, other = middle.mail(ZOE), Authority(root.folder, "Ailleurs")
    assert refusal(found, trust_of(root)) == "chaîne"
    assert refusal(found, trust_of(root), given=[middle.certificate]) == ""  # it came along
    assert refusal(found, trust_of(root, middle)) == ""  # or is configured
    assert refusal(found, trust_of(other, middle)) == "chaîne"
    assert refusal(other.mail(ZOE), trust_of(root)) == "chaîne"
    assert refusal(found, MailTrust()) == "chaîne"


@pytest.mark.parametrize("name", ["racine.pem", "racine.crt", "RACINE.CRT"])
def test_a_folder_of_anchors_is_read_as_those_of_white_lists_are(root: Authority, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "anchors"
    folder.mkdir()
    (folder / name).write_bytes(root.certificate.public_bytes(Encoding.PEM))
    (folder / "lisez-moi.txt").write_text("rien")
    assert MailTrust.read(str(folder), "").anchors == (root.certificate,)


def test_an_authority_of_the_same_name_and_another_key_is_another(root: Authority, tmp_path: Path) -> None:
    assert refusal(Authority(tmp_path, "Racine").mail(ZOE), trust_of(root)) == "chaîne"


def test_an_end_certificate_signs_no_other(root: Authority) -> None:
    """The chain of CVE-2002-0862: a mailbox's own key as an authority."""
    middle = root.below("Boite")
    middle.certificate = root.mail(ZOE, key=middle.key, subject=middle.name)
    assert refusal(middle.mail(ZOE), trust_of(root), given=[middle.certificate]) == "chaîne"


def test_it_is_on_no_list_and_its_authority_has_one(root: Authority, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "Revoquante")
    good, bad = authority.mail(ZOE), authority.mail(ZOE)
    crl = str(authority.revoke(bad, path=tmp_path / "crl"))
    trust = trust_of(authority, lists=crl)
    assert refusal(good, trust) == "" and refusal(bad, trust) == "révocation"
    assert refusal(root.mail(ZOE), trust_of(root, lists=crl)) == "révocation"  # a list of another authority
    old = str(authority.revoke(path=tmp_path / "old", until=-timedelta(minutes=1)))
    assert refusal(good, trust_of(authority, lists=old)) == "révocation"
    assert trust.revoked() == {("CN=Revoquante,O=Essai", f"{bad.serial_number:x}")}


def test_an_intermediate_may_be_revoked_too(tmp_path: Path) -> None:
    root = Authority(tmp_path, "Racine2")
    middle = root.below("Intermediaire2")
    lists = tmp_path / "lists"
    lists.mkdir()
    middle.revoke(path=lists / "middle.pem")
    found = middle.mail(ZOE)
    assert refusal(found, trust_of(root, middle, lists=str(lists))) == ""  # only its own authority must have a list
    root.revoke(path=lists / "root.pem")
    assert refusal(found, trust_of(root, middle, lists=str(lists))) == ""
    root.revoke(middle.certificate, path=lists / "root.pem")
    assert refusal(found, trust_of(root, middle, lists=str(lists))) == "révocation"


def test_a_list_that_another_signed_is_refused(root: Authority, tmp_path: Path) -> None:
    middle = root.below("Intermediaire4")
    for name in ("Racine", "Intermediaire4"):
        forged = Authority(tmp_path, name).revoke(path=tmp_path / "crl")
        with pytest.raises(InvalidInput, match="pas signée"):
            trust_of(root, middle, lists=str(forged))


def test_an_authority_that_has_two_keys_signs_its_list_with_one_of_them(tmp_path: Path) -> None:
    first, second = (Authority(tmp_path, "Renouvelee") for _ in range(2))
    anchors = tmp_path / "both.pem"
    anchors.write_bytes(text_of(first.certificate, second.certificate))
    trust = MailTrust.read(str(anchors), str(second.revoke(path=tmp_path / "crl")))
    assert refusal(second.mail(ZOE), trust) == ""


def test_a_list_that_was_written_anew_is_read_anew_though_it_is_as_long(root: Authority, tmp_path: Path) -> None:
    bad, anchors, crl = root.mail(ZOE), tmp_path / "anchors.pem", tmp_path / "crl.pem"
    anchors.write_bytes(text_of(root.certificate))
    other = Authority(tmp_path, "Racine")
    other.key = root.key  # its lists are the root's
    texts = [other.revoke(*which, path=crl).read_bytes() for which in ((root.mail(ZOE),), (bad,))]
    found = []
    for second, text in enumerate(texts, 1):
        crl.write_bytes(text.ljust(max(map(len, texts)), b"\n"))
        os.utime(crl, (second, second))
        found.append(refusal(bad, smime.trust_of(str(anchors), str(crl))))
    assert found == ["", "révocation"]


def test_a_list_that_another_signed_says_nothing_of_an_authority_that_came_along(tmp_path: Path) -> None:
    """When it was read, nobody knew that authority."""
    root, lists = Authority(tmp_path, "Racine3"), tmp_path / "lists"
    lists.mkdir()
    root.revoke(path=lists / "root.pem")
    middle = root.below("Intermediaire3")
    Authority(tmp_path, "Intermediaire3").revoke(path=lists / "middle.pem")
    trust, found = trust_of(root, lists=str(lists)), middle.mail(ZOE)
    assert refusal(found, trust, given=[middle.certificate]) == "révocation"
    middle.revoke(path=lists / "middle.pem")
    assert refusal(found, trust_of(root, lists=str(lists)), given=[middle.certificate]) == ""


def test_a_chain_has_so_many_links(root: Authority) -> None:
    links = [root]
    for n in range(5):
        links.append(links[-1].below(f"Maillon {n}"))
    given = [link.certificate for link in links[1:]]
    assert refusal(links[4].mail(ZOE), trust_of(root), given=given) == ""
    assert refusal(links[5].mail(ZOE), trust_of(root), given=given) == "chaîne"


def test_an_upload_is_der_or_pem_and_brings_its_authorities(root: Authority) -> None:
    one, two, middle = root.mail(ZOE), root.mail(ZOE), root.below("Avec").certificate
    assert read_upload(one.public_bytes(Encoding.DER)) == ([one], [])
    assert read_upload(b"Bag Attributes\n" + text_of(one, middle, two)) == ([one, two], [middle])


def test_authorities_alone_are_no_upload(root: Authority) -> None:
    """A list of nobody's certificates would take out those there are."""
    with pytest.raises(InvalidInput, match="autorités"):
        read_upload(text_of(root.certificate))


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\n", b"\x30\x82", b"x" * (MOST_OCTETS + 1)]
)
def test_what_is_no_certificate_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_upload(data)


def test_octets_changed_anywhere_never_do_more_than_refuse(root: Authority) -> None:
    """One bit in every octet of a good certificate: no fault of ours, and nothing passes but what was signed (the
    count of unused bits, before the signature, is not)."""
    trust, good = trust_of(root), root.mail(ZOE)
    der = good.public_bytes(Encoding.DER)
    for at in range(len(der)):
        with suppress(AnnuaireError):
            for found in read_upload(der[:at] + bytes([der[at] ^ 1]) + der[at + 1 :])[0]:
                check(found, Owner(ZOE), trust)
                assert found.tbs_certificate_bytes == good.tbs_certificate_bytes


def test_files_that_are_not_there_are_told_in_french(tmp_path: Path) -> None:
    absent = str(tmp_path / "absent.pem")
    for anchors, lists in ((absent, ""), ("", absent)):
        with pytest.raises(InvalidInput, match=r"absent\.pem : ce fichier n'existe pas"):
            MailTrust.read(anchors, lists)
