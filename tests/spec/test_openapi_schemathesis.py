"""schemathesis asks the API all that its description allows and forbids: no fault of ours, no status, type or member
that is not described.  Bounded and the same every time; without a secret, then with an operator's.

Operations are subtests: as tests of the same name, which schemathesis makes of them otherwise, xdist ran one of fifty.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import schemathesis
import web_world as world
from flask import Flask
from hypothesis import HealthCheck, settings
from log_world import append
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from directory_service.registry.engine import open_registry, writing
from directory_service.registry.journal import append as note
from directory_service.settings import Settings
from directory_service.web.api.documentation import openapi_of
from directory_service.web.app import create_app

# Of operations that do not answer JSON, nothing is left to generate but their parameters.
BOUNDED = settings(
    max_examples=12, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)


@schemathesis.serializer("application/x-ndjson", "application/ndjson")
def lines(_context: schemathesis.SerializationContext, value: object) -> bytes:
    some = value if isinstance(value, list) else [value]
    return value if isinstance(value, bytes) else b"\n".join(map(orjson.dumps, some))


@schemathesis.serializer("application/pkix-cert", "application/x-pem-file")
def octets(_context: schemathesis.SerializationContext, value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, str]]:
    folder: Path = tmp_path_factory.mktemp("schemathesis")
    directory, secret = world.build_world(folder)
    engine = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
    with writing(engine) as connection:
        for key in range(1, 11):
            note(connection, actor="test", kind="create", subject="mailbox", subject_id=key)
    append(engine, folder)
    engine.dispose()
    yield create_app(directory, Settings(data=folder)), secret
    directory.close()


@pytest.fixture(scope="module")
def described(served: tuple[Flask, str]) -> schemathesis.BaseSchema:
    told = orjson.loads(openapi_of(served[0]))
    for operation in (operation for item in told["paths"].values() for operation in item.values()):
        for media in operation.get("requestBody", {}).get("content", {}).values():
            if media["schema"].get("type") == "string":
                media["schema"] = {}  # whatever is sent is text then, and nothing is refused for being none
    document = schemathesis.openapi.from_dict(told)
    document.config.update(headers={"Accept-Encoding": "identity"})  # it says that it takes gzip, and unpacks none
    document.config.generation.with_security_parameters = False  # what is shown is the test's to say
    return document


@pytest.fixture(autouse=True)
def _node(request: pytest.FixtureRequest) -> None:
    request.node._nodeid = request.node.nodeid  # schemathesis 4.32 still reads what pytest 9.2 has no more


# What is asked is made when the test runs: made when it is collected, every process of the run would make it.
schema = schemathesis.pytest.from_fixture("described")


pytestmark = pytest.mark.timeout(900)  # each is as many tests as there are operations


@schema.parametrize()
@BOUNDED
def test_anybody_gets_what_is_described(case: schemathesis.Case, served: tuple[Flask, str]) -> None:
    case.call_and_validate(app=served[0], checks=CHECKS)


@schema.parametrize()
@BOUNDED
def test_an_operator_gets_what_is_described(case: schemathesis.Case, served: tuple[Flask, str]) -> None:
    case.call_and_validate(app=served[0], checks=CHECKS, headers={"Authorization": f"Bearer {served[1]}"})
