"""A registry whose operator publishes S/MIME certificates, its index and its HTTP face, which must agree on them."""

from __future__ import annotations

import ssl
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path

import web_world
from certificates import Authority, text_of
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from flask.testing import FlaskClient
from record_factories import SUFFIX
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from directory_service.index.directory import Directory
from directory_service.index.follower import Follower
from directory_service.index.writer import build_index
from directory_service.settings import Settings
from directory_service.web.app import create_app

ZOE, JEAN, CLOSED = "zoe.d-essai@medecin.mssante.fr", "jean.dupont@medecin.mssante.fr", "ancienne@medecin.mssante.fr"
HIDDEN, ORG = "cachee@medecin.mssante.fr", "cardiologie@ch-essai.mssante.fr"


@dataclass
class World:
    """A registry, its index and its HTTP face; one authority whose certificates may be published."""

    folder: Path
    engine: Engine
    directory: Directory
    authority: Authority
    client: FlaskClient
    secret: str

    @classmethod
    def made_in(cls, folder: Path, registry: Engine, authority: Authority) -> World:
        secret = web_world.fill(registry)
        build_index(registry, folder / "index", SUFFIX)
        directory = Directory(folder / "index", SUFFIX)
        url = registry.url.render_as_string(hide_password=False)
        settings = Settings(data=folder, database_url=url, smime_anchors=str(authority.path), publication_wait=0.3)
        return cls(folder, registry, directory, authority, create_app(directory, settings).test_client(), secret)

    def close(self) -> None:
        self.directory.close()

    def ask(self, method: str, address: str, more: str = "", data: bytes = b"", secret: str | None = None
            ) -> TestResponse:  # fmt: skip
        """As the operator, unless told otherwise; the index has caught up afterwards."""
        secret = self.secret if secret is None else secret
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        url = f"/v1/mailboxes/{address}/certificates{more}"
        answer = self.client.open(url, method=method, data=data, headers=headers)
        self.follow()
        return answer

    def follow(self) -> None:
        Follower(self.engine, self.folder / "index", SUFFIX).catch_up()
        self.directory.build()

    def shown(self, address: str) -> list[bytes]:
        """The certificates that anybody finds over HTTP; what each route says is the same."""
        items = self.client.get(f"/v1/mailboxes/{address}/certificates").get_json()["items"]
        ders = [b64decode(item["der"]) for item in items]
        told = self.client.get(f"/v1/mailboxes/{address}").get_json()["certificates"]
        assert told == [{k: v for k, v in item.items() if k != "der"} for item in items]
        pem = self.client.get(f"/v1/mailboxes/{address}/certificates?format=pem").text
        assert pem == "".join(map(ssl.DER_cert_to_PEM_cert, ders))
        for item, der in zip(items, ders, strict=True):
            one = self.client.get(f"/v1/mailboxes/{address}/certificates/{item['sha256']}")
            assert (one.data, one.content_type) == (der, "application/pkix-cert")
        return ders

    def publish(self, address: str, *made: x509.Certificate) -> None:
        assert self.ask("PUT", address, data=text_of(*made)).status_code == 200


def der(found: x509.Certificate) -> bytes:
    return found.public_bytes(Encoding.DER)
