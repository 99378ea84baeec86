"""A bind whose secret is right while the index goes away."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from ldap_support import replies
from ldap_town import build_town
from record_factories import SUFFIX

from directory_service.index.query import View
from directory_service.ldap.filters import Resolve
from directory_service.ldap.handler import BindOutcome, Channel
from directory_service.ldap.limits import Limits
from directory_service.ldap.messages import BIND_RESPONSE, BindRequest, result
from directory_service.ldap.server import Operators
from directory_service.ldap.server.binding import _bound
from directory_service.ldap.server.connection import Connection
from directory_service.ldap.session import ANONYMOUS, Identity, Session

ESSAI = Identity(f"cn=essai,ou=operateurs,{SUFFIX}", "essai", View.OPERATOR)


def test_who_has_no_proof_is_nobody(tmp_path: Path) -> None:
    """What opened a session is looked at again and again: a session of which nobody knows what opened it would stay."""
    directory, secret = build_town(tmp_path, 3)
    request = BindRequest(1, 3, ESSAI.dn.encode(), secret.encode(), None)
    outcome = BindOutcome(result(1, BIND_RESPONSE, 0), ESSAI)
    with closing(directory):
        made = SimpleNamespace(
            session=Session(cast(Resolve, None), Limits()), channel=Channel(), proof=None,
            hub=SimpleNamespace(operators=Operators(directory)),
        )  # fmt: skip
        client = cast(Connection, made)
        assert replies(_bound(client, request, outcome))[0].code == 0
        assert client.session.identity == ESSAI and client.proof
        client.session.bound_as(ANONYMOUS)
        (tmp_path / "index" / "current").unlink()
        directory.close()  # it is opened again
        assert replies(_bound(client, request, outcome))[0].code == 52
        assert client.session.identity == ANONYMOUS
