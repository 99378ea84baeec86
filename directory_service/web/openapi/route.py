"""What is said of a route, beside its view: summary, parameters, answers, problems, who may ask, how often.

``@describe(Route(…))`` under ``@blueprint.get(…)`` is all that a new route needs; a test fails for one without it.
Nothing is registered here: the declaration stays with the view, and ``document`` finds it through the application.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum, StrEnum
from http import HTTPStatus
from typing import Any, TypeVar

from directory_service.web.openapi.terms import TEXT, Schema
from directory_service.web.parameters import Parameter

View = TypeVar("View", bound=Callable[..., Any])
JSON, LINES, MERGE = "application/json", "application/x-ndjson", "application/merge-patch+json"


class Who(Enum):
    """Who gets an answer; what each is shown besides is told in words."""

    ANYBODY = "tout le monde"
    OPERATORS = "les opérateurs"


class Rate(StrEnum):
    """Routes that are counted together (``web.limiting``); settings are named after them."""

    SUGGEST = "suggest"
    SEARCH = "search"
    READ = "read"
    VERIFY = "verify"
    BATCH = "batch"
    WRITE = "write"
    EXPORT = "export"
    FREE = "free"  # what operations ask, and documentation: not counted


@dataclass(frozen=True, slots=True)
class Place:
    """A variable part of the path, or a header of the request."""

    name: str
    text: str
    schema: Schema = field(default_factory=lambda: TEXT)
    example: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """``schema`` is None where the body is no JSON; ``headers`` are those of this answer, with what they say; ``also``
    other types that it may have."""

    text: str
    schema: Schema | None = None
    type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    also: Mapping[str, Schema | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Body:
    """What may be sent, by type; a schema of None is for what is no JSON document: lines, certificates."""

    types: Mapping[str, Schema | None]
    text: str = ""
    required: bool = True


@dataclass(frozen=True, slots=True)
class Retired:
    """A route that is to go: since when that is known, until when it answers, and what to ask instead."""

    since: date
    until: date
    instead: str


@dataclass(frozen=True, slots=True)
class Route:
    """``problems`` are slugs beyond those that any route may give (``document.COMMON``).  ``tag`` groups routes on the
    page.  ``asks``: it changes nothing, whatever its method."""

    summary: str
    tag: str
    answers: Mapping[int, Answer]
    text: str = ""
    query: Sequence[Parameter] = ()
    path: Sequence[Place] = ()
    headers: Sequence[Place] = ()
    body: Body | None = None
    problems: Sequence[str] = ()
    who: Who = Who.ANYBODY
    rate: Rate = Rate.READ
    asks: bool = True
    cached: bool = False  # has an entity tag, and 304
    retired: Retired | None = None


def describe(route: Route) -> Callable[[View], View]:
    def marked(view: View) -> View:
        view.described = route  # type: ignore[attr-defined]
        return view

    return marked


def description_of(view: Callable[..., Any]) -> Route | None:
    found = getattr(view, "described", None)
    return found if isinstance(found, Route) else None


def ok(text: str, schema: Schema | None, kind: str = JSON, **headers: str) -> dict[int, Answer]:
    """The one answer of most routes."""
    return {HTTPStatus.OK.value: Answer(text, schema, kind, headers)}
