"""A registry of before the trusted space over time keeps its operators, domains and suspensions, and their dates."""

from __future__ import annotations

from alembic import command
from registry_factories import LATER, START
from sqlalchemy import Engine, text

from directory_service.model.trust import DomainStretch, Span
from directory_service.registry.engine import reading, writing
from directory_service.registry.trusted import read_operators
from directory_service.registry.upgrading import _config, upgrade


def _downgrade(engine: Engine, revision: str) -> None:
    with writing(engine) as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def test_what_was_there_becomes_stretches_and_the_way_back_keeps_the_last(registry: Engine) -> None:
    _downgrade(registry, "0012")
    with writing(registry, upgrading=True) as connection:
        for row in (f"(1, 'un', 'suspended', '{LATER}')", f"(2, 'deux', 'active', '{START}')"):
            connection.execute(text(f"INSERT INTO operator (id, name, status, status_since) VALUES {row}"))
        values = f"('a.fr', 1, '{START}', NULL), ('b.fr', 2, '{START}', '{LATER}')"
        connection.execute(text(f"INSERT INTO domain (name, operator_id, since, until) VALUES {values}"))
    upgrade(registry)
    with reading(registry) as connection:
        two, one = read_operators(connection)
    assert (one.suspensions, one.source, one.stretches) == ((Span(LATER),), "manual", (DomainStretch("a.fr", START),))
    assert one.trusted() == {"a.fr": [Span(START, LATER)]}
    assert two.stretches == (DomainStretch("b.fr", START, LATER),)
    with writing(registry) as connection:
        connection.execute(text(f"INSERT INTO domain (name, operator_id, since) VALUES ('b.fr', 2, '{LATER}')"))
    _downgrade(registry, "0012")
    with reading(registry) as connection:
        rows = connection.execute(text("SELECT name, since, until FROM domain ORDER BY name")).all()
    assert [tuple(row) for row in rows] == [("a.fr", START, None), ("b.fr", LATER, None)]
