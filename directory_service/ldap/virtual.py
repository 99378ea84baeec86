"""The entries that no index holds: the rootDSE (RFC 4512 5.1) and the subschema subentry (RFC 4512 4.2).  PURE.

Their attributes are operational: they go out when named or by ``+``; ``*`` gives ``objectClass`` and ``cn`` only.
Filters on them are evaluated here by the letter, three-valued (RFC 4511 4.5.1.7), with case-insensitive equality;
definitions are equal to their number (objectIdentifierFirstComponentMatch, RFC 4517 4.2.26).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from directory_service.index.query import And, Equal, Filter, Not, Or, Present
from directory_service.ldap.ber import octets, partial_attribute, sequence
from directory_service.ldap.controls import SUPPORTED_CONTROLS
from directory_service.ldap.dn import SUBSCHEMA_DN
from directory_service.ldap.selection import Selection

WHO_AM_I: Final = "1.3.6.1.4.1.4203.1.11.3"
CANCEL: Final = "1.3.6.1.1.8"
START_TLS: Final = "1.3.6.1.4.1.1466.20037"
SUPPORTED_EXTENSIONS: Final = (WHO_AM_I, CANCEL)
# All operational attributes by "+" (RFC 3673); absolute true and false filters (RFC 4526).
_FEATURES: Final = ("1.3.6.1.4.1.4203.1.5.1", "1.3.6.1.4.1.4203.1.5.3")


@dataclass(frozen=True, slots=True)
class VirtualEntry:
    """``user`` attributes go out by default, ``operational`` ones when asked for."""

    dn: str
    user: Mapping[str, Sequence[str]]
    operational: Mapping[str, Sequence[str]]

    def render(self, selection: Selection, every: bool, types_only: bool) -> bytes:
        """The body of a SearchResultEntry; ``every`` says that ``+`` was asked for."""
        chosen = [(k, v) for k, v in self.user.items() if selection.user or selection.wants(k)]
        chosen += [(k, v) for k, v in self.operational.items() if every or selection.wants(k)]
        parts = [partial_attribute(k, [] if types_only else [x.encode() for x in v]) for k, v in chosen]
        return octets(self.dn) + sequence(*parts)

    def matches(self, found: Filter) -> bool | None:
        """True, false, or ``None`` for Undefined."""
        match found:
            case And(items):
                return _all([self.matches(item) for item in items])
            case Or(items):
                return _not(_all([_not(self.matches(item)) for item in items]))
            case Not(item):
                return _not(self.matches(item))
            case Present(attribute):
                return self._values(attribute) is not None
            case Equal(attribute, value):
                held = [v.lower().encode() for v in self._values(attribute) or ()]
                wanted = value.strip().lower()
                return wanted in held or any(v.startswith(b"( " + wanted + b" ") for v in held)
            case _:
                return None

    def offering(self, mechanisms: Sequence[str]) -> VirtualEntry:
        """The rootDSE, for a client who may bind by these SASL mechanisms (RFC 4513 5.2.3: with a certificate)."""
        if self.dn or not mechanisms:
            return self
        return replace(self, operational={**self.operational, "supportedSASLMechanisms": mechanisms})

    def _values(self, attribute: str) -> Sequence[str] | None:
        for name, values in (*self.user.items(), *self.operational.items()):
            if name.lower() == attribute.lower():
                return values
        return None


def _all(results: list[bool | None]) -> bool | None:
    return False if False in results else None if None in results else True


def _not(result: bool | None) -> bool | None:
    return None if result is None else not result


def root_dse(suffix: str, version: str, extensions: Sequence[str] = ()) -> VirtualEntry:
    """What a client reads first, before any bind."""
    return VirtualEntry(
        dn="",
        user={"objectClass": ["top"]},
        operational={
            "namingContexts": [suffix],
            "defaultNamingContext": [suffix],
            "subschemaSubentry": [SUBSCHEMA_DN],
            "supportedLDAPVersion": ["2", "3"],
            "supportedControl": SUPPORTED_CONTROLS,
            "supportedExtension": (*SUPPORTED_EXTENSIONS, *extensions),
            "supportedFeatures": _FEATURES,
            "vendorName": ["annuaire"],
            "vendorVersion": [version],
        },
    )


def subschema(definitions: Mapping[str, Sequence[str]]) -> VirtualEntry:
    """``definitions``: attributeTypes, objectClasses, matchingRules, ldapSyntaxes."""
    return VirtualEntry(
        dn=SUBSCHEMA_DN,
        user={"objectClass": ["top", "subentry", "subschema"], "cn": ["Subschema"]},
        operational={**definitions, "subschemaSubentry": [SUBSCHEMA_DN], "entryDN": [SUBSCHEMA_DN]},
    )
