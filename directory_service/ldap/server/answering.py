"""What a connection answers to each kind of request: at once, or from a thread of ``hub`` when it is done.

Binds are ``binding``'s, and what requests mean is ``handler``'s.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from directory_service.errors import InvalidInput
from directory_service.ldap.codes import ADMIN_LIMIT_EXCEEDED, BUSY, OPERATIONS_ERROR, PROTOCOL_ERROR
from directory_service.ldap.messages import (
    COMPARE_RESPONSE,
    SEARCH_DONE,
    AbandonRequest,
    BindRequest,
    CompareRequest,
    ExtendedRequest,
    Request,
    SearchRequest,
    UnbindRequest,
    WriteRequest,
    extended_response,
    result,
)
from directory_service.ldap.searching import Stopped, Work
from directory_service.ldap.server.binding import bind
from directory_service.ldap.server.harvest import is_exact
from directory_service.ldap.server.operations import CANCEL_TEXTS, Operation, call_off, cancelled_id
from directory_service.ldap.virtual import CANCEL, START_TLS

if TYPE_CHECKING:
    from directory_service.ldap.server.connection import Connection
    from directory_service.ldap.server.hub import Ran

_SPENT: Final = "trop d'entrées différentes en un jour : seules les adresses et identifiants exacts sont encore servis"


def search(client: Connection, request: SearchRequest) -> bytes:
    client.asked += 1
    hub = client.hub
    work = hub.handler.search(request, client.session.identity, client.channel)
    if isinstance(work, bytes):
        return work
    if work.asked and (work.asked.page or work.asked.listing):
        client.promised = True
    if work.point:
        client.work = work
        reply, client.entries = hub.run(work)
        return reply
    who = None
    if not is_exact(work.query.filter):
        who = hub.harvest.client(client.address, client.session.identity.name)
        if hub.harvest.spent(who):
            hub.watch.limit("harvest")
            return result(work.message_id, SEARCH_DONE, ADMIN_LIMIT_EXCEEDED, _SPENT)
    if work.quick and (ran := hub.run_briefly(work, who)) is not None:
        client.work = work
        reply, client.entries = ran
        return reply
    return _submit(client, request, SEARCH_DONE, partial(hub.run_late, work, hub.loop.time(), who), work)


def compare(client: Connection, request: CompareRequest) -> bytes:
    return _submit(client, request, COMPARE_RESPONSE, partial(client.hub.compare, request, client.session.identity))


def _submit(
    client: Connection, request: Request, tag: int, step: Callable[[Stopped], Ran], work: Work | None = None
) -> bytes:
    """Runs ``step`` in a thread, its reply sent when it comes; the reply that says no when it may not."""
    hub, outstanding, message_id = client.hub, client.outstanding, request.message_id
    most = hub.settings.outstanding_operator if client.session.identity.dn else hub.settings.outstanding_anonymous
    if message_id in outstanding:
        return result(message_id, tag, PROTOCOL_ERROR, "numéro de message déjà en cours")
    if len(outstanding) >= most:
        hub.watch.limit("outstanding")
        return result(message_id, tag, BUSY, f"plus de {most} opérations en cours")
    operation = Operation(tag)
    operation.future = hub.threads.submit(partial(step, operation.is_stopped), client.address, client)
    outstanding[message_id] = operation
    deliver = partial(_deliver, client, request, work, perf_counter())
    operation.future.add_done_callback(partial(hub.post, deliver, message_id))
    return b""


def _deliver(
    client: Connection, request: Request, work: Work | None, started: float, message_id: int, future: Future[Ran]
) -> None:
    operation = client.outstanding.get(message_id)
    if operation and operation.future is future:  # neither abandoned nor disconnected
        del client.outstanding[message_id]
        reply, entries = future.result()
        client.hub.watch.answered(client, request, reply, perf_counter() - started, entries, work)
        client.deliver(reply)


def abandon(client: Connection, request: AbandonRequest) -> bytes:
    """RFC 4511 4.11: no reply, whether there was something to abandon or not."""
    if operation := client.outstanding.pop(request.target, None):
        operation.stop()
    return b""


def unbind(client: Connection, _request: UnbindRequest) -> bytes:
    client.close(b"")
    return b""


def extended(client: Connection, request: ExtendedRequest) -> bytes:
    if request.oid == CANCEL:
        return _cancel(client, request)
    if request.oid == START_TLS and client.hub.tls is not None:
        return _start_tls(client, request)
    return client.hub.handler.extended(request, client.session.identity)


def _cancel(client: Connection, request: ExtendedRequest) -> bytes:
    """RFC 3909: the operation called off answers before the Cancel does.  Only what runs in a thread is ever there to
    be called off; binds are waited for, and a Cancel of itself is the loop of CVE-2020-36227."""
    try:
        target = cancelled_id(request)
    except InvalidInput as error:
        return extended_response(request.message_id, PROTOCOL_ERROR, error.message)
    code, last = call_off(client.outstanding, request.message_id, target)
    return last + extended_response(request.message_id, code, CANCEL_TEXTS[code])


def _start_tls(client: Connection, request: ExtendedRequest) -> bytes:
    """RFC 4511 4.14.  What was sent behind the request, in plain text, came from no one we can name (CVE-2011-0411 and
    its kind): it is not answered but refused, and the connection with it."""
    code, text = 0, ""
    if request.value is not None:
        code, text = PROTOCOL_ERROR, "StartTLS n'a pas de valeur"
    elif client.stream is not None:
        code, text = OPERATIONS_ERROR, "TLS déjà établi"
    elif client.outstanding:
        code, text = OPERATIONS_ERROR, "opérations en cours"
    elif client.events or client.session.partial:
        client.disconnect(PROTOCOL_ERROR, "octets reçus derrière StartTLS")
        return b""
    client.upgrading = code == 0
    return extended_response(request.message_id, code, text, oid=START_TLS)


def refuse_write(client: Connection, request: WriteRequest) -> bytes:
    return client.hub.handler.write(request)


ANSWERS: Final[dict[type[Request], Callable[[Connection, Any], bytes]]] = {
    SearchRequest: search, BindRequest: bind, UnbindRequest: unbind, AbandonRequest: abandon,
    CompareRequest: compare, ExtendedRequest: extended, WriteRequest: refuse_write,
}  # fmt: skip
