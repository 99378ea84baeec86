"""The matched values control (RFC 3876): of each attribute, only the values that a filter item is True of.  PURE.

The control is read strictly (OpenLDAP CVE-2020-36223): items are those of filters but And, Or and Not, within the same
limits.  How values compare is the directory's business (``DirectoryReader.value_tests``).  An attribute of which no
value matches goes out without values (RFC 3876 2, step 4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from directory_service.errors import InvalidInput
from directory_service.index.query import Equal, Filter, Present
from directory_service.ldap.ber import SEQUENCE, SET, BerError, Reader, expect, octets, partial_attribute, tlv
from directory_service.ldap.filters import AND, EXTENSIBLE, NOT, OR, FilterDecoder, Resolve
from directory_service.ldap.limits import Limits
from directory_service.ldap.messages import Control

MATCHED_VALUES: Final = "1.2.826.0.1.3344810.2.3"
_DN_ATTRIBUTES: Final = 0x84  # of an extensible match, which SimpleMatchingAssertion does not have

Values = tuple[Filter, ...]
ValueTest = Callable[[bytes], bool]
ValueTests = Callable[[Filter], Mapping[str, ValueTest]]  # by attribute, in lower case


def asked_values(control: Control | None, resolve: Resolve, limits: Limits) -> Values:
    """The items; none when the control is not there.  Raises ``InvalidInput`` for what is not a ValuesReturnFilter."""
    if control is None:
        return ()
    data = control.value or b""
    at, end = expect(data, 0, len(data), SEQUENCE)
    if end != len(data) or at == end:
        raise BerError("filtre de valeurs vide ou suivi d'autre chose", end)
    decoder, found = FilterDecoder(data, resolve, limits), list[Filter]()
    while at < end:
        _check(data, at, end)
        item, at = decoder.decode(at, end)
        found.append(item)
    return tuple(found)


def _check(data: bytes, at: int, end: int) -> None:
    tag = data[at]
    if tag in (AND, OR, NOT):
        raise InvalidInput("filtre de valeurs composé")
    if tag == EXTENSIBLE:
        parts = Reader(data, at, end).enter(EXTENSIBLE)
        while parts.more:
            if parts.element()[0] == _DN_ATTRIBUTES:
                raise InvalidInput("filtre de valeurs sur le nom")


class ValueFilter:
    """The items made ready for one answer: values are tried against those that name their attribute."""

    def __init__(self, items: Values, tests: ValueTests) -> None:
        self._known: dict[tuple[str, bytes], bool] = {}  # entries share most values of classes, codes and places
        self._tests: dict[str, list[ValueTest]] = {}
        for item in items:
            for name, test in tests(item).items():
                self._tests.setdefault(name, []).append(test)

    def body(self, body: bytes) -> bytes:
        """A SearchResultEntry's content, with the values that match only."""
        outer = Reader(body)
        name, chosen = outer.octets(), outer.enter()
        return octets(name) + tlv(SEQUENCE, b"".join(self._attributes(chosen)))

    def _attributes(self, reader: Reader) -> Iterator[bytes]:
        while reader.more:
            attribute = reader.enter()
            name, values = attribute.octets().decode("ascii"), attribute.enter(SET)
            kind = name.partition(";")[0].lower()
            yield partial_attribute(name, [value for value in _each(values) if self._matches(kind, value)])

    def _matches(self, kind: str, value: bytes) -> bool:
        found = self._known.get((kind, value))
        if found is None:
            tests = self._tests.get(kind, ())
            found = self._known[kind, value] = any(test(value) for test in tests)
        return found


def _each(reader: Reader) -> Iterator[bytes]:
    while reader.more:
        yield reader.octets()


def definition_tests(item: Filter) -> Mapping[str, ValueTest]:
    """For the entries that no index holds: case aside, and definitions by their number
    (objectIdentifierFirstComponentMatch, RFC 4517 4.2.26)."""
    if isinstance(item, Present):
        return {item.attribute.lower(): lambda _value: True}
    if not isinstance(item, Equal):
        return {}
    wanted = item.value.strip().lower()
    start = b"( " + wanted + b" "
    return {item.attribute.lower(): lambda value: value.lower() == wanted or value.lower().startswith(start)}
