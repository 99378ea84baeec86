"""The signature of a white list: verified against our trust anchors, or made by us.  signxml does the work.

Accepted: one enveloped signature, child of the root, over the whole document and nothing else, exclusive
canonicalization, RSA with SHA-256 or longer, by a certificate that chains to an anchor and is valid now.  What is read
afterwards is what the verifier says was signed, parsed anew from its canonical form: neither what a wrapper moved aside
nor a comment that splits a text in two is seen (decision 0022).
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509 import verification
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidDigest, SignXMLException
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, XMLVerifier

from directory_service.errors import ImportRefused, InvalidInput, unread
from directory_service.model.subjects import subject_key
from directory_service.pem import pem_files

DS = "{http://www.w3.org/2000/09/xmldsig#}"
_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_EXCLUSIVE = CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
_METHODS = frozenset({SignatureMethod.RSA_SHA256, SignatureMethod.RSA_SHA384, SignatureMethod.RSA_SHA512})
_DIGESTS = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})
_CONFIG = SignatureConfiguration(location="./", signature_methods=_METHODS, digest_algorithms=_DIGESTS)
_RSA_BITS = 2048
_MOST_CERTIFICATES = 8  # of one signature: a chain has three
SIZE_LIMIT = 64 << 20  # octets of a list; the official one of 2026 has about 5 MB
_DECLARED = re.compile(rb"""\A(?:\xef\xbb\xbf)?\s*<\?xml[^>]*encoding\s*=\s*["']([^"']*)["']""")


@dataclass(frozen=True, slots=True)
class Signed:
    """What was signed, and by whom."""

    root: etree._Element
    signer: str  # RFC 4514


class Anchors:
    """The authorities that we trust to sign a list."""

    def __init__(self, certificates: Sequence[x509.Certificate], signer: str = "") -> None:
        """``signer``: the name (DN) of the only certificate that may sign; empty: whomever they vouch for."""
        self.certificates, self.signer = tuple(certificates), subject_key(signer)
        if signer and not self.signer:
            raise ImportRefused("un nom de certificat est attendu, par exemple CN=…,O=…,C=FR", where="trust_signer")

    @classmethod
    def read(cls, path: Path | None, signer: str = "") -> Anchors:
        """From a PEM file, or every ``.pem`` and ``.crt`` of a folder.  Raises ImportRefused, which says what to do."""
        if path is None:
            raise ImportRefused(
                "aucune autorité de confiance n'est indiquée : donnez dans trust_anchors (ANNUAIRE_TRUST_ANCHORS) le "
                "fichier PEM, ou le dossier, de la chaîne qui signe la liste blanche (IGC-Santé pour l'officielle)"
            )
        try:
            found = [c for file in pem_files(path) for c in x509.load_pem_x509_certificates(file.read_bytes())]
        except OSError as error:
            raise ImportRefused(unread(error), where="trust_anchors") from None
        except ValueError:
            raise ImportRefused(
                "autorités de confiance illisibles : du PEM est attendu", where="trust_anchors"
            ) from None
        if not found:
            raise ImportRefused("le dossier des autorités de confiance n'a aucun fichier PEM", where="trust_anchors")
        return cls(found, signer)


def parser() -> etree.XMLParser:
    """No entity is resolved, nothing is fetched, no tree of unbounded depth or text."""
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def parse_safely(data: bytes) -> etree._Element:
    """The root of a document in UTF-8 without any document type.  Raises ImportRefused."""
    if len(data) > SIZE_LIMIT:
        raise ImportRefused(f"liste de plus de {SIZE_LIMIT >> 20} Mio")
    declared = _DECLARED.match(data)
    if declared and declared[1].lower() not in (b"utf-8", b"us-ascii"):
        raise ImportRefused("encodage UTF-8 attendu")
    if not _is_utf8(data):
        raise ImportRefused("encodage UTF-8 attendu")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:  # UTF-8 spells them so, and no other way
        raise ImportRefused("déclaration de type de document (DTD) refusée")
    try:
        return etree.fromstring(data, parser())
    except etree.XMLSyntaxError as error:
        raise ImportRefused("XML mal formé", where=f"ligne {error.lineno}") from None


def _is_utf8(data: bytes) -> bool:
    """libxml2 guesses UTF-16 and its like by the first octets, declared or not: none is UTF-8 without a NUL."""
    try:
        return b"\0" not in data and bool(data.decode())
    except UnicodeDecodeError:
        return False


def verify(root: etree._Element, data: bytes, anchors: Anchors, now: datetime) -> Signed:
    """What the signature of this document covers, which is all of it.  ``root`` is ``data`` parsed.  Raises
    ImportRefused with the exact reason."""
    signature = _signature(root)
    _check_form(signature)
    signer = _signer(signature, anchors, now)
    try:
        found = XMLVerifier().verify(data, x509_cert=signer, parser=parser(), expect_config=_CONFIG)
    except InvalidDigest:
        raise ImportRefused("le contenu a été modifié depuis la signature") from None
    except (SignXMLException, etree.DocumentInvalid, ValueError):
        raise ImportRefused("signature fausse : elle n'a pas été faite par ce certificat, ou a été modifiée") from None
    assert not isinstance(found, list)  # one reference is expected
    if found.signed_xml is None or found.signed_xml.tag != root.tag:
        raise ImportRefused("la signature ne couvre pas toute la liste")
    return Signed(found.signed_xml, signer.subject.rfc4514_string())


def _signature(root: etree._Element) -> etree._Element:
    found = list(root.iter(f"{DS}Signature"))
    if not found:
        raise ImportRefused("la liste n'est pas signée")
    if len(found) > 1 or found[0].getparent() is not root:
        raise ImportRefused("une seule signature est attendue, à la fin de la liste")
    return found[0]


def _check_form(signature: etree._Element) -> None:
    """Before anything is computed, so that the reason is exact; signxml checks the algorithms again."""
    info = signature.findall(f"{DS}SignedInfo")
    references = [r for i in info for r in i.findall(f"{DS}Reference")]
    if len(info) != 1 or len(references) != 1 or references[0].get("URI") != "":
        raise ImportRefused("la signature doit couvrir toute la liste, et elle seule (une référence, URI vide)")
    transforms = [t.get("Algorithm") for t in references[0].iterfind(f"{DS}Transforms/{DS}Transform")]
    if (
        transforms != [_ENVELOPED, _EXCLUSIVE.value]
        or _algorithm(info[0], "CanonicalizationMethod") != _EXCLUSIVE.value
    ):
        raise ImportRefused("signature enveloppée et canonicalisation exclusive attendues")
    if _algorithm(info[0], "SignatureMethod") not in {m.value for m in _METHODS}:
        raise ImportRefused("algorithme de signature refusé : RSA-SHA256 est attendu")
    if _algorithm(references[0], "DigestMethod") not in {d.value for d in _DIGESTS}:
        raise ImportRefused("algorithme d'empreinte refusé : SHA-256 est attendu")


def _algorithm(parent: etree._Element, name: str) -> str | None:
    found = parent.find(f"{DS}{name}")
    return None if found is None else found.get("Algorithm")


def _signer(signature: etree._Element, anchors: Anchors, now: datetime) -> x509.Certificate:
    """The certificate that signs, sure to lead to an anchor today."""
    certificates = list(_certificates(signature))
    issuers = {c.issuer for c in certificates if c.issuer != c.subject}
    leaves = [c for c in certificates if c.subject not in issuers]
    if len(leaves) != 1:
        raise ImportRefused("la signature doit contenir le certificat qui l'a faite, et lui seul avec sa chaîne")
    leaf = leaves[0]
    key = leaf.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < _RSA_BITS:
        raise ImportRefused(f"clé de signature refusée : RSA de {_RSA_BITS} bits au moins est attendu")
    for certificate in certificates:
        _check_dates(certificate, now)
    try:
        _verifier(anchors, now).verify(leaf, [c for c in certificates if c is not leaf])
    except (verification.VerificationError, ValueError):
        raise ImportRefused(
            "le certificat de signature n'est pas émis par une autorité de confiance (trust_anchors)"
        ) from None
    if anchors.signer and subject_key(leaf.subject.rfc4514_string()) != anchors.signer:
        raise ImportRefused("le certificat de signature n'est pas celui du signataire attendu (trust_signer)")
    return leaf


def _certificates(signature: etree._Element) -> Iterator[x509.Certificate]:
    for number, found in enumerate(signature.iterfind(f"{DS}KeyInfo/{DS}X509Data/{DS}X509Certificate")):
        if number >= _MOST_CERTIFICATES:
            raise ImportRefused("trop de certificats dans la signature")
        try:
            yield x509.load_der_x509_certificate(b64decode("".join((found.text or "").split()), validate=True))
        except ValueError:
            raise ImportRefused("certificat de signature illisible") from None


def _check_dates(certificate: x509.Certificate, now: datetime) -> None:
    if now > certificate.not_valid_after_utc:
        raise ImportRefused(f"certificat de signature expiré le {certificate.not_valid_after_utc:%d/%m/%Y}")
    if now < certificate.not_valid_before_utc:
        raise ImportRefused(
            f"certificat de signature pas encore valable, avant le {certificate.not_valid_before_utc:%d/%m/%Y}"
        )


def _verifier(anchors: Anchors, now: datetime) -> verification.ClientVerifier:
    """Of chains for any use but one of the web: a seal has no host name; it must be allowed to sign."""
    policy = verification.ExtensionPolicy
    leaf = policy.permit_all().may_be_present(x509.KeyUsage, verification.Criticality.AGNOSTIC, _may_sign)
    builder = verification.PolicyBuilder().store(verification.Store(list(anchors.certificates))).time(now)
    return builder.extension_policies(ee_policy=leaf, ca_policy=policy.webpki_defaults_ca()).build_client_verifier()


def _may_sign(_policy: object, _certificate: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        raise ValueError("the key may not sign")


# --- by us -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seal:
    """What we sign with: an RSA key and its certificate, the chain after it."""

    key: rsa.RSAPrivateKey
    chain: tuple[x509.Certificate, ...]

    @classmethod
    def of_files(cls, certificate: str, key: str) -> Seal:
        """From the settings of these names; an empty ``key`` means the file of the certificate.  Raises InvalidInput,
        which says what to do."""
        if not certificate:
            raise InvalidInput(
                "rien pour signer : renseignez signing_certificate (ANNUAIRE_SIGNING_CERTIFICATE) et signing_key (PEM)",
                where="signing_certificate",
            )
        try:
            return cls.read(Path(certificate).read_bytes(), Path(key or certificate).read_bytes())
        except OSError as error:
            why = f"certificat ou clé de signature illisible ({type(error).__name__})"
            raise InvalidInput(why, where="signing_certificate, signing_key") from None

    @classmethod
    def read(cls, certificate: bytes, key: bytes) -> Seal:
        """From PEM texts.  Raises InvalidInput, which says what is missing."""
        try:
            chain = tuple(x509.load_pem_x509_certificates(certificate))
            private = load_pem_private_key(key, None)
        except (ValueError, TypeError) as error:
            why = f"certificat ou clé de signature illisible ({type(error).__name__})"
            raise InvalidInput(why, where="signing_certificate, signing_key") from None
        if not isinstance(private, rsa.RSAPrivateKey) or private.key_size < _RSA_BITS:
            raise InvalidInput(f"une clé RSA de {_RSA_BITS} bits au moins est attendue", where="signing_key")
        if chain[0].public_key() != private.public_key():
            raise InvalidInput("la clé de signature n'est pas celle du certificat", where="signing_key")
        return cls(private, chain)


def sign(root: etree._Element, seal: Seal) -> bytes:
    """The document with its enveloped signature, as octets in UTF-8."""
    signer = XMLSigner(signature_algorithm=SignatureMethod.RSA_SHA256, digest_algorithm=DigestAlgorithm.SHA256,
                       c14n_algorithm=_EXCLUSIVE)  # fmt: skip
    pem = seal.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    signed = signer.sign(root, key=pem, cert=list(seal.chain))
    found: bytes = etree.tostring(signed, xml_declaration=True, encoding="UTF-8")
    return found
