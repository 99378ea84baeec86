"""May this sender send, may this recipient receive?  A request of Postfix to the action it is answered with.

Postfix is one operator's (``Policy.operator``): what is asked of its own domains is answered from all that the
directory holds, unlisted mailboxes (*liste rouge*) too, since mail must reach them; of others' domains only what
anybody may know, so that a mailbox that is hidden and one that is not there are one answer, and both pass: their own
operator decides.
Nothing is refused for want of an answer: without an index mail passes or waits, and from old data it waits.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from directory_service.errors import InvalidInput, RegistryUnavailable
from directory_service.index.freshness import data_age
from directory_service.index.query import View
from directory_service.model.ins import PATIENT_DOMAIN
from directory_service.model.mailboxes import CertificateRule, domain_of
from directory_service.policy.protocol import Request
from directory_service.trust.access import Caller
from directory_service.trust.certificates import PIN
from directory_service.trust.verdicts import Outcome, reason
from directory_service.trust.verify import Question, ask

if TYPE_CHECKING:
    from directory_service.index.directory import Directory

_ALWAYS: Final = ("postmaster", "abuse")  # RFC 5321 4.5.1, RFC 2142
_SHA256: Final = 64  # hexadecimal digits


@dataclass(frozen=True, slots=True)
class Policy:
    """``operator``: whose Postfix asks.  ``age``: seconds after which data is too old to refuse by, 0 for never;
    ``unavailable``: what becomes of mail while there is no index, ``pass`` or ``defer``.  ``patients``: the domain
    whose addresses are judged by rule; "" for none."""

    operator: str
    age: float = 0.0
    unavailable: str = "pass"
    patients: str = PATIENT_DOMAIN


class Answer(NamedTuple):
    """``action`` as access(5) writes it.  ``side`` and ``outcome`` are for counting."""

    action: str
    side: str = ""  # sender, recipient
    outcome: str = "pass"  # pass, reject, defer


# Texts go into SMTP replies, which are ASCII (RFC 5321 2.4).  Status codes: RFC 3463.
_PASS: Final = Answer("DUNNO")
_STALE: Final = "DEFER_IF_PERMIT 4.3.0 Annuaire trop ancien pour en juger, reessayez plus tard"
_NO_INDEX: Final = "DEFER_IF_PERMIT 4.3.0 Annuaire indisponible, reessayez plus tard"
_RECIPIENT: Final = {
    Outcome.UNKNOWN_ADDRESS: "550 5.1.1 Cette boite n'existe pas dans l'annuaire",
    Outcome.CLOSED: "550 5.2.1 Cette boite est fermee{since}",
    Outcome.UNTRUSTED_DOMAIN: "550 5.7.1 Ce domaine n'est pas de l'espace de confiance",
}
_SENDER: Final = {
    Outcome.UNKNOWN_ADDRESS: "553 5.7.1 Cette adresse d'expedition n'existe pas dans l'annuaire",
    Outcome.CLOSED: "553 5.7.1 Cette adresse d'expedition est fermee{since}",
    Outcome.UNTRUSTED_DOMAIN: "553 5.7.1 Le domaine de l'expediteur n'est pas de l'espace de confiance",
}
_TEXTS: Final = {"recipient": _RECIPIENT, "sender": _SENDER}
_FOREIGN: Final = "553 5.7.1 L'expediteur est d'un domaine que votre operateur ne tient pas"
_FORGED: Final = "553 5.7.1 Ce domaine d'expedition est le notre : authentifiez-vous"
_SUSPENDED: Final = "553 5.7.1 Votre operateur est suspendu"


def decide(directory: Directory, request: Request, policy: Policy) -> Answer:
    """The first refusal, the sender's before the recipient's; else DUNNO: Postfix goes on with its own rules."""
    try:
        answer = _sender(directory, request, policy) or _recipient(directory, request, policy) or _PASS
        if answer.outcome == "reject" and policy.age and data_age(directory.build()) > policy.age:
            return Answer(_STALE, answer.side, "defer")
        return answer
    except (RegistryUnavailable, sqlite3.Error):
        return without_index(policy)


def without_index(policy: Policy) -> Answer:
    return _PASS if policy.unavailable == "pass" else Answer(_NO_INDEX, outcome="defer")


class _Sending(NamedTuple):
    """Who hands over the message: an operator that proved it, nobody known (empty), or a suspended one."""

    operator: str = ""
    suspended: bool = False


def _sending(directory: Directory, request: Request, policy: Policy) -> _Sending:
    """A client that logged in, or that Postfix says is one of ours, is of this operator; another server is of the one
    whose key it proved to hold (``smtpd_tls_fingerprint_digest = sha256``)."""
    if request.get("sasl_username") or request.get("policy_context") == "submission":
        return _Sending(policy.operator)
    pin = request.get("ccert_pubkey_fingerprint", "").replace(":", "").lower()
    if len(pin) != _SHA256:
        return _Sending()
    found = directory.operators_by_certificate([CertificateRule(PIN, "", pin)])
    return _Sending(found[0].name, found[0].status != "active") if len(found) == 1 else _Sending()


def _meant(address: str) -> str:
    """What Postfix makes of it once it has asked us (trivial-rewrite(8)): ``domain!user``, ``user%domain`` and a dot
    behind the domain are ways to write ``user@domain`` that would be nobody's here."""
    if "@" not in address:
        site, bang, user = address.partition("!")
        if not bang:
            user, _, site = address.rpartition("%")
        address = f"{user}@{site}" if user else address
    return address.removesuffix(".")


def _sender(directory: Directory, request: Request, policy: Policy) -> Answer | None:
    sender = _meant(request.get("sender", ""))
    if not sender:  # of bounces
        return None
    by = _sending(directory, request, policy)
    if by.suspended:
        return _refused("sender", _SUSPENDED)
    holders = directory.operators_of(domain_of(sender))
    if holders and by.operator and by.operator not in holders:
        return _refused("sender", _FOREIGN)
    if holders == [policy.operator] and not by.operator:
        return _refused("sender", _FORGED)
    if "@" not in sender and by.operator:  # which gets a domain of Postfix's own
        return None
    return _judged(directory, "sender", sender, holders, policy)


def _recipient(directory: Directory, request: Request, policy: Policy) -> Answer | None:
    recipient = _meant(request.get("recipient", ""))
    if not recipient or recipient.partition("@")[0].lower() in _ALWAYS:
        return None
    if "@" not in recipient:
        return None
    return _judged(directory, "recipient", recipient, directory.operators_of(domain_of(recipient)), policy)


def _judged(directory: Directory, side: str, address: str, holders: list[str], policy: Policy) -> Answer | None:
    """None where there is nothing to refuse by."""
    ours, texts = policy.operator in holders, _TEXTS[side]
    try:
        caller = Caller(View.STAFF if ours else View.ANONYMOUS)
        verdict = ask(directory, Question(address), caller, patient_domain=policy.patients)
    except InvalidInput:  # Postfix has rules of its own for the form of an address; its domain is judged all the same
        outside = not holders and directory.has_trust_of(domain_of(address))
        return _refused(side, texts[Outcome.UNTRUSTED_DOMAIN]) if outside else None
    by_rule = not holders and reason("patient_number") in verdict.reasons
    if verdict.verdict not in texts or (verdict.verdict is Outcome.UNKNOWN_ADDRESS and not ours and not by_rule):
        return None  # it may be unlisted: whoever holds the domain decides, known here or, without a white list, not
    since = f" depuis le {verdict.until[:10]}" if verdict.until else ""
    return _refused(side, texts[verdict.verdict].format(since=since))


def _refused(side: str, action: str) -> Answer:
    return Answer(action, side, "reject")
