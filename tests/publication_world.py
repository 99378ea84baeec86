"""A registry of two operators, a few people and structures, served over HTTP in this process: for publications."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import factories as f
from registry_factories import add_person, add_place, secret_of
from sqlalchemy import Engine, func, select
from werkzeug.test import TestResponse

from directory_service.index.directory import Directory
from directory_service.index.follower import Follower
from directory_service.registry import operators
from directory_service.registry.engine import reading, writing
from directory_service.registry.journal import JournalEntry, read_after
from directory_service.registry.tables import journal, metadata
from directory_service.settings import Settings
from directory_service.web.app import create_app

SUFFIX = "o=annuaire-sante,c=fr"
ZOE, JEAN = f.rpps(1), f.rpps(2)
HOSPITAL, CLINIC = f.finess(1), f.finess(2)
OURS, THEIRS = "ville.mssante.fr", "ailleurs.mssante.fr"
BOX = f"zoe.essai@{OURS}"
NDJSON = "application/x-ndjson"


def personal(number: str = ZOE, **fields: Any) -> dict[str, Any]:
    """The body of a PER mailbox."""
    return {"type": "PER", "holder": {"person": number}} | fields


def organizational(number: str = HOSPITAL, **fields: Any) -> dict[str, Any]:
    return {"type": "ORG", "holder": {"structure": number}} | fields


class Publishing:
    """``put(address, body)`` as the operator ``essai``, who holds ``OURS``; ``autre`` holds ``THEIRS``."""

    def __init__(self, engine: Engine, folder: Path, **settings: Any) -> None:
        self.engine = engine
        with writing(engine) as connection:
            add_person(connection, 1, ZOE, family_name="ESSAI", given_names="ZOÉ")
            add_person(connection, 2, JEAN, family_name="DUPONT", given_names="JEAN")
            for key, number in enumerate((HOSPITAL, CLINIC), 1):
                names = {"technical_id": "F" + number, "national_id": "1" + number, "finess": number}
                add_place(connection, key, name=f"HÔPITAL {key}", siret=f.siret(1), **names)
            for name, domain in (("essai", OURS), ("autre", THEIRS)):
                operators.add_operator(connection, name, [domain], actor="tests")
            self.secret, self.other = (secret_of(connection, name) for name in ("essai", "autre"))
        url = engine.url.render_as_string(hide_password=False)
        self.settings = Settings(data=folder, database_url=url, **settings)
        self.follower = Follower(engine, folder / "index", SUFFIX)
        self.follower.catch_up()
        self.directory = Directory(folder / "index", SUFFIX)
        self.app = create_app(self.directory, self.settings)
        self.client = self.app.test_client()

    def close(self) -> None:
        self.directory.close()

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> TestResponse:
        """``headers`` by name, ``_`` for ``-``; without credentials where ``secret`` is empty."""
        secret = headers.pop("secret", self.secret)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        given |= {"Authorization": f"Bearer {secret}"} if secret else {}
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        kind = given.pop("Content-Type", "application/json" if data is not None else None)
        return self.client.open(f"/v1/mailboxes/{path}", method=method, data=data, headers=given, content_type=kind)

    def put(self, address: str, body: object, **headers: str) -> TestResponse:
        return self.ask("PUT", address, body, **headers)

    def patch(self, address: str, body: object, **headers: str) -> TestResponse:
        return self.ask("PATCH", address, body, Content_Type="application/merge-patch+json", **headers)

    def delete(self, address: str, **headers: str) -> TestResponse:
        return self.ask("DELETE", address, None, **headers)

    def batch(self, lines: Sequence[object], **headers: str) -> TestResponse:
        raw = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
        return self.ask("POST", "batch", raw, Content_Type=NDJSON, **headers)

    def journal(self) -> list[JournalEntry]:
        with reading(self.engine) as connection:
            return [e for e in read_after(connection, 0, 10_000) if e.subject == "mailbox"]

    def entries(self) -> int:
        with reading(self.engine) as connection:
            return int(connection.execute(select(func.count()).select_from(journal)).scalar_one())

    def rows(self, *tables: str) -> dict[str, list[tuple[Any, ...]]]:
        with reading(self.engine) as connection:
            return {
                name: [tuple(r) for r in connection.execute(select(metadata.tables[name]).order_by("id"))]
                for name in tables
            }

    def stretches(self, address: str) -> list[tuple[int | None, bool]]:
        """Of each binding of an address, oldest first: the person, and whether it is open."""
        c = metadata.tables["binding"].c
        query = select(c.practitioner_id, c.until).join(metadata.tables["mailbox"]).order_by(c.id)
        with reading(self.engine) as connection:
            found = connection.execute(query.where(metadata.tables["mailbox"].c.address == address))
            return [(person, until is None) for person, until in found]


def lines_of(answer: TestResponse) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.data.splitlines()]
