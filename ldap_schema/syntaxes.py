"""LDAP syntaxes (RFC 4517 3.3, RFC 4530, RFC 4523) that the schema names, for the subschema.  PURE, stdlib only.

Validation of values is not here: entries are written by ``directory_service.entries``, whose tests load them in slapd.
"""

from __future__ import annotations

from typing import Final

_1466: Final = "1.3.6.1.4.1.1466.115.121.1."

SYNTAXES: Final[dict[str, str]] = {
    _1466 + "3": "Attribute Type Description",
    _1466 + "4": "Audio",
    _1466 + "5": "Binary",
    _1466 + "6": "Bit String",
    _1466 + "7": "Boolean",
    _1466 + "8": "Certificate",
    _1466 + "11": "Country String",
    _1466 + "12": "DN",
    _1466 + "14": "Delivery Method",
    _1466 + "15": "Directory String",
    _1466 + "22": "Facsimile Telephone Number",
    _1466 + "23": "Fax",
    _1466 + "24": "Generalized Time",
    _1466 + "25": "Guide",
    _1466 + "26": "IA5 String",
    _1466 + "27": "INTEGER",
    _1466 + "28": "JPEG",
    _1466 + "30": "Matching Rule Description",
    _1466 + "31": "Matching Rule Use Description",
    _1466 + "36": "Numeric String",
    _1466 + "37": "Object Class Description",
    _1466 + "38": "OID",
    _1466 + "40": "Octet String",
    _1466 + "41": "Postal Address",
    _1466 + "44": "Printable String",
    _1466 + "45": "Subtree Specification",
    _1466 + "50": "Telephone Number",
    _1466 + "51": "Teletex Terminal Identifier",
    _1466 + "52": "Telex Number",
    _1466 + "54": "LDAP Syntax Description",
    _1466 + "58": "Substring Assertion",
    "1.3.6.1.1.15.1": "Certificate Exact Assertion",
    "1.3.6.1.1.16.1": "UUID",
}

# Never sent unless asked for by name, and then with ;binary (RFC 4522, RFC 4523).
BINARY: Final = frozenset({_1466 + "5", _1466 + "8"})


def descriptions() -> list[str]:
    """Values of ``ldapSyntaxes``."""
    return [f"( {oid} DESC '{name}' )" for oid, name in SYNTAXES.items()]
