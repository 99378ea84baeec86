"""Where the fuzzer starts from: one file per message that the tests know, and the words it may splice in."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from certificates import Authority, text_of
from cryptography.hazmat.primitives.serialization import Encoding
from ldap_support import BAL, WRITES, abandon, bind, bind_sasl, compare, extended, paged, request, search, unbind
from proxy_headers import LOCAL, TLVS, UNIX, binary, block, line
from record_factories import SUFFIX

from directory_service.ldap.ber import boolean, integer, octets, sequence, tlv
from directory_service.ldap.messages import Control
from ldap_schema.schema import FILES, read_definitions

FILTERS = [
    "(|(cn=*dupont*jean*)(mail=*dupont jean*)(givenName=*dupont*)(sn=*dupont jean*))",
    "(&(mail=*)(|(mail=dup*)(|(cn=dup*)(|(sn=dup*)(givenName=dup*)))))",
    "(&(|(objectclass=person)(mail=*))(|(cn=dup*)(mail=*@dup*)))",
    "(mail=jean.dupont@medecin.mssante.fr)",
    "(modifyTimestamp>=20200101000000Z)",
    "(&(cn~=dupon)(!(asPaperless=FALSE)))",
    "(&)",
    "(|)",
    r"(cn=\2a\28\29\5c\00é)",
    "(1.2.840.113549.1.9.1=a)",
    "(postalCode<=69003)",
]
EXTENSIBLE = ["(cn:caseIgnoreMatch:=x)", "(o:dn:=essai)", "(:2.5.13.2:=x)"]  # on the wire: written out below
NAMES = [BAL, SUFFIX, "", r"uid=8\2C1+cn=\C3\A9,ou=bal," + SUFFIX, "2.5.4.3=#0C0161,O=x", r"cn=\ a\ ,c=fr"]
_PAGED, _SORT, _VLV, _MATCHED = (
    "1.2.840.113556.1.4.319", "1.2.840.113556.1.4.473", "2.16.840.1.113730.3.4.9", "1.2.826.0.1.3344810.2.3",
)  # fmt: skip
_SORTED = sequence(sequence(octets("cn"), tlv(0x80, b"2.5.13.3"), boolean(True, 0x81)))
_WINDOW = sequence(integer(0), integer(9), sequence(integer(1), integer(0), tag=0xA0))
_EXTENSIBLE = tlv(0xA9, tlv(0x81, b"2.5.13.2") + tlv(0x82, b"cn") + tlv(0x83, b"x") + boolean(True, 0x84))


def messages() -> list[bytes]:
    """One or more whole messages each."""
    searches = [search(text, n) for n, text in enumerate(FILTERS, 1)]
    odd = [
        search(_EXTENSIBLE),
        search(
            "(cn=*)", 1, paged(2), size=5, time=3, attributes=["cn", "*", "+", "1.1", "gn", "userCertificate;binary"]
        ),
        search("(cn=*)", 1, Control(_SORT, True, _SORTED)),
        search("(cn=*)", 1, Control(_SORT, False, _SORTED), Control(_VLV, True, _WINDOW)),
        search("(cn=*)", 1, Control(_MATCHED, False, sequence(tlv(0x87, b"mail")))),
        search("(cn=*)", 1, Control("1.2.3", True, None), types_only=True, base="", scope=0),
        search("(objectClass=*)", base="cn=subschema", scope=0, attributes=["attributeTypes"]),
    ]
    others = [
        bind(), bind("cn=essai,ou=operateurs," + SUFFIX, "secret"), bind(version=2), bind_sasl("EXTERNAL"),
        compare(BAL, "ou", "bal"), abandon(1, 2), unbind(),
        *map(extended, ("1.3.6.1.4.1.4203.1.11.3", "1.3.6.1.4.1.1466.20037", "1.3.6.1.1.8", "1.2.3")),
        *(request(1, tlv(tag, octets("cn=x"))) for tag in WRITES.values()),
    ]  # fmt: skip
    return [*searches, *odd, *others, b"".join([bind(), *searches[:3], unbind(9)])]


_HEADERS = (
    LOCAL, line("192.0.2.7"), line("2001:db8::7"), b"PROXY UNKNOWN\r\n",
    binary("192.0.2.7", tlvs=TLVS), block(UNIX, 0x31),
)  # fmt: skip
_POLICY = b"request=smtpd_access_policy\nsender=a@b.fr\nrecipient=\nccert_pubkey_fingerprint=AB:CD\nsize=12\n\n"


def _certificates() -> list[bytes]:
    """Made when they are wanted, as all certificates of the tests are."""
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        address = "zoe.d-essai@medecin.mssante.fr"
        names = (("email:a@b.fr", "dns:b.fr", f"email:{address}"), ())
        found = [authority.mail(address), *(authority.mail(address, names=n, uses=None) for n in names)]
    texts = [text_of(each, authority.certificate) for each in found]
    return texts + [each.public_bytes(Encoding.DER) for each in found]


_QUERY = (
    b'<c:addressbook-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><d:prop><c:address-data/></d:prop>'
    b'<c:filter test="%s">%s</c:filter></c:addressbook-query>'
)
_PROPS = [
    '<c:prop-filter name="FN"><c:text-match match-type="starts-with">zoé</c:text-match></c:prop-filter>',
    '<c:prop-filter name="EMAIL"><c:text-match negate-condition="yes">zoe.d</c:text-match></c:prop-filter>',
    '<c:prop-filter name="TEL"><c:is-not-defined/></c:prop-filter><c:prop-filter name="X-RPPS"/>',
]
DESCRIPTIONS = [
    "Dr Zoé D'ESSAI, cardiologue, 69003 LYON",
    "zoe.d-essai@medecin.mssante.fr",
    "ESSAI RPPS : 109 0000 0018",
    '"Zoé D\'ESSAI" <zoe@a.fr>',
    "n° 69 123 456 3 mailto:a@b.fr",
    "CH d'Essai 690000005 26690000000017",
]


def seeds(target: str) -> list[bytes]:
    """Inputs that the target accepts."""
    if target == "session":
        return [bytes([first]) + data for data in messages() for first in (0, 200)]
    if target == "server":
        return messages()
    if target == "filter":
        return [text.encode() for text in FILTERS + EXTENSIBLE]
    if target == "name":
        return [text.encode() for text in NAMES]
    if target == "policy":
        return [bytes([first]) + _POLICY * times for times in (1, 2, 3) for first in (0, 100)]
    if target == "proxy":
        return [bytes([first]) + data + messages()[0] for data in _HEADERS for first in (0, 60)]
    if target == "certificate":
        return _certificates()
    if target == "dav":
        return [_QUERY % (test, props.encode()) for props in _PROPS for test in (b"anyof", b"allof")]
    if target == "description":
        return [text.encode() for text in DESCRIPTIONS]
    texts = [read_definitions(file) for file in FILES]
    return [("attributetype (" + part).encode() for text in texts for part in text.split("attributetype (")[1:4]]


def dictionary() -> str:
    """libFuzzer's: tags, lengths of lengths, names and identifiers."""
    words = [b"\x30\x84", b"\x84\xff\xff\xff\xff", b"\x85\x00\x00\x00\x00\x01", b"\x80", b"\xa2\x02", b"\xa0\x00"]
    words += [bytes([tag]) for tag in (0x60, 0x63, 0x66, 0x6E, 0x77, 0x4A, 0x42, 0x50, *range(0xA0, 0xAA), 0x87)]
    words += [text.encode() for text in (BAL, "cn", "mail", "asRpps", "2.5.4.3", "%n%s", "\\00", "+", "*", "$", "NAME")]
    words += [oid.encode() for oid in (_PAGED, _SORT, _VLV, _MATCHED)]
    return "".join(f'"{"".join(f"{chr(92)}x{octet:02x}" for octet in word)}"\n' for word in words)


def write(folder: Path, target: str) -> tuple[Path, Path]:
    """Corpus and dictionary of a target; what earlier runs found is kept."""
    corpus, words = folder / target, folder / "words.dict"
    corpus.mkdir(parents=True, exist_ok=True)
    _write_all(corpus, seeds(target))
    words.write_text(dictionary(), encoding="ascii")
    return corpus, words


def _write_all(corpus: Path, inputs: Iterable[bytes]) -> None:
    for number, data in enumerate(inputs):
        (corpus / f"seed-{number:03d}").write_bytes(data)
