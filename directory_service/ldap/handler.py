"""From a request to its reply: binds, searches, compares, extended operations; writes are refused.  PURE.

No socket, clock or thread: the ``Directory``, the schema and the check of secrets are arguments, and whoever calls
decides where slow steps run (``binds_slowly``, ``Work.point`` and ``quick``).  Unbind and Abandon have no reply and are
seen to by ``server``.
Result codes are those of ldap-clients.md §1 and §3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from directory_service.errors import AnnuaireError, InvalidInput
from directory_service.index.query import TRUE, Equal, Present, View
from directory_service.ldap.codes import (
    AUTH_METHOD_NOT_SUPPORTED,
    COMPARE_FALSE,
    COMPARE_TRUE,
    CONFIDENTIALITY_REQUIRED,
    INSUFFICIENT_ACCESS_RIGHTS,
    INVALID_CREDENTIALS,
    NO_SUCH_ATTRIBUTE,
    PROTOCOL_ERROR,
    UNDEFINED_ATTRIBUTE_TYPE,
    UNWILLING_TO_PERFORM,
)
from directory_service.ldap.controls import check
from directory_service.ldap.directory import DirectoryReader
from directory_service.ldap.dn import normalise, parse_dn
from directory_service.ldap.filters import Resolve
from directory_service.ldap.limits import LdapSettings
from directory_service.ldap.messages import (
    BIND_RESPONSE,
    COMPARE_RESPONSE,
    EXTENDED_RESPONSE,
    SEARCH_DONE,
    BindRequest,
    CompareRequest,
    ExtendedRequest,
    Request,
    SearchRequest,
    WriteRequest,
    extended_response,
    result,
)
from directory_service.ldap.ordering import OrderedSchema, sort_rules
from directory_service.ldap.searching import Run, Searcher, Work, read_dn
from directory_service.ldap.session import ANONYMOUS, Identity
from directory_service.ldap.virtual import WHO_AM_I, root_dse, subschema

CheckSecret = Callable[[str, bytes], bool]  # operator name, secret
NameOf = Callable[[bytes], str]  # DER of a verified certificate, to the operator it speaks for, "" for none
_MAX_NAME: Final = 128  # characters: no attribute description we know is longer
_OPERATORS: Final = "ou=operateurs"
EXTERNAL: Final = "EXTERNAL"


class Schema(OrderedSchema, Protocol):
    """The part of ``ldap_schema.schema.Schema`` that this face uses."""

    def describe(self, description: str) -> str | None: ...
    def subschema_attributes(self) -> Mapping[str, Sequence[str]]: ...


class Channel(NamedTuple):
    """What carries the requests.  ``discreet``: a secret may travel on it.  ``certificate``: DER of the client's, its
    chain verified; empty without one."""

    discreet: bool = True
    certificate: bytes = b""

    @property
    def mechanisms(self) -> tuple[str, ...]:
        return (EXTERNAL,) if self.certificate else ()


LOCAL: Final = Channel()


class BindOutcome(NamedTuple):
    """The reply, and who the connection speaks for from now on."""

    reply: bytes
    identity: Identity


def canonical_names(schema: Schema) -> Resolve:
    """Names, aliases, OIDs, with or without options, to the canonical name; clients repeat few of them."""
    cached = lru_cache(maxsize=4096)(schema.describe)
    return lambda description: cached(description) if len(description) <= _MAX_NAME else None


def nobody(_name: str, _secret: bytes) -> bool:
    """The check of a server without operators."""
    return False


def no_name(_certificate: bytes) -> str:
    """The same for certificates."""
    return ""


class Handler:
    """``directory``, ``schema`` and ``check_secret`` may be called from several threads at once.  ``extensions`` are
    those that the server answers itself."""

    def __init__(self, directory: DirectoryReader, schema: Schema, settings: LdapSettings, *,
                 check_secret: CheckSecret = nobody, name_of: NameOf = no_name, cookie_key: bytes, version: str = "",
                 extensions: Sequence[str] = ()) -> None:  # fmt: skip
        self.settings = settings
        self.resolve = canonical_names(schema)
        self.check_secret, self.name_of = check_secret, name_of
        entries = (root_dse(settings.suffix, version, extensions), subschema(schema.subschema_attributes()))
        virtual = {normalise(entry.dn): entry for entry in entries}
        self.searcher = Searcher(directory, self.resolve, sort_rules(schema), settings, virtual, cookie_key)
        self.run: Run = self.searcher.run
        self.run_briefly: Callable[[Work, float], bytes | None] = self.searcher.run_briefly

    def refuse_controls(self, request: Request) -> bytes | None:
        """The reply to controls that do not go with this operation, or together (RFC 4511 4.1.11)."""
        if type(request) not in _RESPONSE_TAGS:  # no reply, hence no refusal
            return None
        try:
            check(request)
        except AnnuaireError as error:
            return result(request.message_id, response_tag(request), error.ldap_code, error.message)
        return None

    # --- bind (RFC 4511 4.2) ----------------------------------------------------------------------------------------

    @staticmethod
    def binds_slowly(request: BindRequest, channel: Channel = LOCAL) -> bool:
        """Will ``bind`` verify a secret?  That takes tens of milliseconds on purpose."""
        return bool(request.name and request.secret) and request.mechanism is None and channel.discreet

    def claimed(self, request: BindRequest) -> str:
        """The operator that a simple bind claims to be, "" for a name that is no operator's."""
        try:
            return operator_name(read_dn(request.name), self.searcher.suffix)
        except InvalidInput:
            return ""

    def bind(self, request: BindRequest, channel: Channel = LOCAL) -> BindOutcome:
        """Never 48 or 49 for an anonymous bind: Thunderbird would bind again at once, for ever (ldap-clients.md §1)."""
        if request.version not in (2, 3):
            return _bound(request, 2, text="version 2 ou 3 attendue")
        if request.mechanism is not None:
            return self._sasl(request, channel)
        if not request.name:
            return _bound(request, 0)
        if not request.secret:  # RFC 4513 5.1.2: a client that forgot its password must not believe it is bound
            return _bound(request, UNWILLING_TO_PERFORM, text="mot de passe vide")
        if not channel.discreet:
            return _bound(request, CONFIDENTIALITY_REQUIRED, text="secret refusé hors TLS")
        try:
            name = operator_name(read_dn(request.name), self.searcher.suffix)
        except InvalidInput as error:
            return _bound(request, error.ldap_code, text=str(error))
        try:
            known = self.check_secret(name, request.secret) and bool(name)
        except AnnuaireError as error:
            return _bound(request, error.ldap_code, text=error.message)
        if not known:
            return _bound(request, INVALID_CREDENTIALS)
        return _bound(request, 0, self._operator(name))

    def _sasl(self, request: BindRequest, channel: Channel) -> BindOutcome:
        """EXTERNAL (RFC 4422 appendix A): the client's certificate says who it is; it may repeat that, and ask for
        nobody else (RFC 4513 5.2.3)."""
        if request.mechanism not in channel.mechanisms:
            return _bound(request, AUTH_METHOD_NOT_SUPPORTED, text="mécanisme SASL non disponible")
        try:
            name = self.name_of(channel.certificate)
        except AnnuaireError as error:
            return _bound(request, error.ldap_code, text=error.message)
        if not name:
            return _bound(request, INVALID_CREDENTIALS)
        if not self._is_asked(request.secret, name):
            return _bound(request, INSUFFICIENT_ACCESS_RIGHTS, text="identité demandée autre que celle du certificat")
        return _bound(request, 0, self._operator(name))

    def _is_asked(self, authorization: bytes, name: str) -> bool:
        """Whether this authzId (RFC 4513 5.2.1.8) is empty or this operator."""
        kind, _, value = authorization.partition(b":")
        if kind == b"dn":
            try:
                return operator_name(read_dn(value), self.searcher.suffix) == name
            except InvalidInput:
                return False
        return not authorization or (kind == b"u" and value == name.encode())

    def _operator(self, name: str) -> Identity:
        return Identity(f"cn={name},{_OPERATORS},{self.settings.suffix}", name, View.OPERATOR)

    # --- the rest ---------------------------------------------------------------------------------------------------

    def search(self, request: SearchRequest, identity: Identity, channel: Channel = LOCAL) -> Work | bytes:
        """The work for ``run``, or the reply at once."""
        return self.searcher.prepare(request, identity, channel.mechanisms)

    def compare(self, request: CompareRequest, identity: Identity) -> bytes:
        """RFC 4511 4.10."""
        try:
            code, matched = self._compare(request, identity), ""
        except AnnuaireError as error:
            code, matched = error.ldap_code, ""
            if code == 32:
                matched = self.searcher.matched(read_dn(request.entry))
        return result(request.message_id, COMPARE_RESPONSE, code, matched=matched)

    def _compare(self, request: CompareRequest, identity: Identity) -> int:
        base = read_dn(request.entry)
        if not (identity.dn or self.settings.allow_anonymous or base in self.searcher.virtual):
            return INSUFFICIENT_ACCESS_RIGHTS
        name = self.resolve(request.attribute)
        if self.searcher.holds(base, Equal(name or "", request.value) if name else TRUE, identity.view):
            return COMPARE_TRUE if name else UNDEFINED_ATTRIBUTE_TYPE
        if name and self.searcher.holds(base, Present(name), identity.view):
            return COMPARE_FALSE
        return NO_SUCH_ATTRIBUTE

    def extended(self, request: ExtendedRequest, identity: Identity) -> bytes:
        """WhoAmI (RFC 4532); anything else is unknown, and the connection stays open."""
        if request.oid == WHO_AM_I:
            who = f"dn:{identity.dn}" if identity.dn else ""
            return extended_response(request.message_id, 0, value=who.encode())
        return extended_response(request.message_id, PROTOCOL_ERROR, "opération étendue inconnue")

    def write(self, request: WriteRequest) -> bytes:
        """The registry has other doors (contract.md §3)."""
        return result(request.message_id, request.response, UNWILLING_TO_PERFORM, "annuaire en lecture seule")


def operator_name(base: str, suffix: str) -> str:
    """The operator of ``cn=<name>,ou=operateurs,<suffix>`` (normalised), "" for any other name."""
    rdns = parse_dn(base)
    if len(rdns) < 2 or len(rdns[0]) != 1 or rdns[0][0][0] != "cn" or not base.endswith(f",{_OPERATORS},{suffix}"):
        return ""
    return rdns[0][0][1] if parse_dn(f"{_OPERATORS},{suffix}") == rdns[1:] else ""


def _bound(request: BindRequest, code: int, identity: Identity = ANONYMOUS, text: str = "") -> BindOutcome:
    """A failed bind leaves the connection anonymous (RFC 4511 4.2.1; OpenLDAP CVE-2019-13057)."""
    return BindOutcome(result(request.message_id, BIND_RESPONSE, code, text), identity)


_RESPONSE_TAGS: Final[dict[type[Request], int]] = {
    BindRequest: BIND_RESPONSE, SearchRequest: SEARCH_DONE, CompareRequest: COMPARE_RESPONSE,
    ExtendedRequest: EXTENDED_RESPONSE, WriteRequest: 0,  # each kind its own
}  # fmt: skip


def response_tag(request: Request) -> int:
    """Of the response that this request takes, or would if it took one."""
    if isinstance(request, WriteRequest):
        return request.response
    return _RESPONSE_TAGS.get(type(request), EXTENDED_RESPONSE)
