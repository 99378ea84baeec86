"""When a domain is trusted, against the plain definition: some stretch holds the instant, and no suspension does."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from directory_service.model.subjects import party_of, slug, subject_key
from directory_service.model.trust import Span, trusted_spans
from directory_service.registry.operators import _NAME

DAYS = [f"2026-01-{day:02}T00:00:00Z" for day in range(1, 13)]
days = st.sampled_from(DAYS)
spans = st.tuples(days, st.none() | days).filter(lambda s: s[1] is None or s[0] <= s[1]).map(lambda s: Span(*s))


def holds(span: Span, instant: str) -> bool:
    return span.since <= instant and (span.until is None or instant < span.until)


@given(st.lists(spans, max_size=5), st.lists(spans, max_size=4))
def test_trusted_is_held_and_not_suspended(held: list[Span], suspended: list[Span]) -> None:
    found = trusted_spans(held, suspended)
    for instant in DAYS:
        plain = any(holds(s, instant) for s in held) and not any(holds(s, instant) for s in suspended)
        assert any(holds(s, instant) for s in found) is plain
    assert found == sorted(found, key=lambda s: s.since)
    assert len({s.since for s in found}) == len(found)
    assert bool(found) is bool(held)  # what was ever held is known, even if never trusted


@given(spans, st.lists(spans, max_size=4))
@example(Span(DAYS[0]), [Span(DAYS[0], DAYS[1])])
def test_an_empty_span_stands_alone(held: Span, suspended: list[Span]) -> None:
    found = trusted_spans([held], suspended)
    assert len(found) == 1 or all(span.since != span.until for span in found)


def test_stretches_that_touch_are_one() -> None:
    """Who holds a domain from one list to the next has not left between the two."""
    found = trusted_spans([Span(DAYS[0], DAYS[1]), Span(DAYS[1], DAYS[3])], [Span(DAYS[2], DAYS[3])])
    assert found == [Span(DAYS[0], DAYS[2])]


@given(st.text(max_size=60))
def test_any_organization_gives_a_name_that_an_operator_may_have(label: str) -> None:
    assert _NAME.fullmatch(slug(label))
    party_of(label)


@given(st.permutations(['O="GIP  Essai"', " OU = 318310021300028", "CN=mss.example", "C=FR"]))
def test_written_forms_of_one_certificate_name_are_one(parts: list[str]) -> None:
    text = ",".join(parts)
    assert subject_key(text) == subject_key("CN=MSS.example,OU=318310021300028,O=gip essai,C=fr")
    assert party_of(text) == ("OU=318310021300028", "GIP Essai", "318310021300028")
