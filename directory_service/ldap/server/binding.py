"""How a connection becomes somebody (RFC 4511 4.2): its binds, those that take a secret in a thread of their own.

What a bind answers is ``handler``'s business, how often secrets may be tried ``trust.throttle``'s.
"""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

from directory_service.errors import AnnuaireError
from directory_service.ldap.codes import BUSY
from directory_service.ldap.handler import BindOutcome
from directory_service.ldap.limits import SecretsNeedTls
from directory_service.ldap.messages import BIND_RESPONSE, BindRequest, result
from directory_service.ldap.server.faults import internal_fault
from directory_service.ldap.session import ANONYMOUS
from directory_service.model.networks import is_local
from directory_service.trust.throttle import keys_of

if TYPE_CHECKING:
    from directory_service.ldap.server.connection import Connection


def bind(client: Connection, request: BindRequest) -> bytes:
    """RFC 4511 4.2.1: what is under way is abandoned, and the client is nobody until the outcome is known."""
    client.abandon_all()
    is_nobody(client)
    hub = client.hub
    slow = hub.handler.binds_slowly(request, client.channel)
    if slow or request.mechanism is not None:
        client.binds += 1
        if client.binds > hub.settings.binds:
            client.disconnect(BUSY, f"plus de {hub.settings.binds} authentifications", "binds")
            return b""
    name = hub.handler.claimed(request) if slow else ""
    try:
        at_once = not slow or (hub.operators and hub.operators.remembered(name, request.secret) is not None)
    except AnnuaireError as error:  # no index at this moment
        return result(request.message_id, BIND_RESPONSE, error.ldap_code, error.message)
    if at_once:
        return _bound(client, request, hub.handler.bind(request, client.channel))
    return _queue(client, request, keys_of(name, client.address))


def may_send_secrets(need: SecretsNeedTls, address: str) -> bool:
    """Outside TLS."""
    return need is SecretsNeedTls.NEVER or (need is SecretsNeedTls.REMOTE and is_local(address))


def is_nobody(client: Connection) -> None:
    client.session.bound_as(ANONYMOUS)
    client.proof = None


def _queue(client: Connection, request: BindRequest, keys: tuple[str, ...]) -> bytes:
    """Has the secret verified, later where too many were wrong, not at all where too many wait."""
    hub = client.hub
    full = hub.verifying >= hub.settings.verifications
    wait = None if full else hub.throttle.reserve(keys, hub.loop.time())
    if wait is None or wait:
        hub.watch.limit("bind_delay")
    if wait is None:
        return result(request.message_id, BIND_RESPONSE, BUSY, "trop de tentatives ; réessayez plus tard")
    client.binding = True
    if wait:
        hub.loop.call_later(wait, _verify, client, request, keys)
    else:
        _verify(client, request, keys)
    return b""


def _verify(client: Connection, request: BindRequest, keys: tuple[str, ...]) -> None:
    if client.transport.is_closing():
        return
    client.hub.verifying += 1
    future = client.hub.verifier.submit(client.hub.handler.bind, request, client.channel)
    verified = partial(_verified, client, request, keys, perf_counter())
    future.add_done_callback(partial(client.hub.post, verified, request.message_id))


def _verified(client: Connection, request: BindRequest, keys: tuple[str, ...], started: float, message_id: int,
              future: Future[BindOutcome]) -> None:  # fmt: skip
    client.binding = False
    client.hub.verifying -= 1
    if future.cancelled():
        return
    error = future.exception()
    if not error and future.result().identity.dn:  # whether or not who sent it has waited for the answer
        client.hub.throttle.refund(keys)
    if client.transport.is_closing():
        return
    reply = internal_fault(error, message_id, BIND_RESPONSE) if error else _bound(client, request, future.result())
    client.hub.watch.answered(client, request, reply, perf_counter() - started)
    client.write(reply)
    client.pump()


def _bound(client: Connection, request: BindRequest, outcome: BindOutcome) -> bytes:
    """Nobody is somebody without a proof, which the index may not give at this moment: 52 then, and the same nobody."""
    operators = client.hub.operators
    if outcome.identity.dn and operators:
        try:
            certificate = client.channel.certificate if request.mechanism else b""
            client.proof = operators.proof(outcome.identity.name, certificate)
        except AnnuaireError as error:
            return result(request.message_id, BIND_RESPONSE, error.ldap_code, error.message)
    client.session.bound_as(outcome.identity)
    return outcome.reply
