"""RFC 4512 4.1 descriptions, read and written: attribute types and object classes, in the files that OpenLDAP loads.
PURE, stdlib only.

A file holds ``attributetype ( … )`` and ``objectclass ( … )`` items; ``#`` starts a comment line.  Items that slapd
knows and we do not use (``objectidentifier`` macros, ``ditcontentrule``) are refused: our files do without them.
Whether names are defined is ``schema``'s to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final


class SchemaError(ValueError):
    """A definition is not of the form of RFC 4512, or names something that nothing defines."""


@dataclass(frozen=True, slots=True)
class AttributeType:
    """RFC 4512 4.1.2, as written: what is inherited through SUP is ``schema``'s to say."""

    oid: str
    names: tuple[str, ...] = ()
    desc: str = ""
    obsolete: bool = False
    sup: str = ""
    equality: str = ""
    ordering: str = ""
    substr: str = ""
    syntax: str = ""  # OID, without the ``{n}``
    length: int = 0  # the ``{n}``; 0: none
    single_value: bool = False
    collective: bool = False
    no_user_modification: bool = False
    usage: str = "userApplications"

    @property
    def name(self) -> str:
        """The canonical name: the first."""
        return self.names[0] if self.names else self.oid

    @property
    def operational(self) -> bool:
        return self.usage != "userApplications"

    def __str__(self) -> str:
        bound = f"{{{self.length}}}" if self.length else ""
        return _description(
            self.oid,
            _names(self.names),
            _quoted("DESC", self.desc),
            "OBSOLETE" if self.obsolete else "",
            _word("SUP", self.sup),
            _word("EQUALITY", self.equality),
            _word("ORDERING", self.ordering),
            _word("SUBSTR", self.substr),
            _word("SYNTAX", self.syntax + bound),
            "SINGLE-VALUE" if self.single_value else "",
            "COLLECTIVE" if self.collective else "",
            "NO-USER-MODIFICATION" if self.no_user_modification else "",
            _word("USAGE", self.usage) if self.operational else "",
        )


@dataclass(frozen=True, slots=True)
class ObjectClass:
    """RFC 4512 4.1.1, as written."""

    oid: str
    names: tuple[str, ...] = ()
    desc: str = ""
    obsolete: bool = False
    sup: tuple[str, ...] = ()
    kind: str = "STRUCTURAL"
    must: tuple[str, ...] = ()
    may: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.names[0] if self.names else self.oid

    def __str__(self) -> str:
        return _description(
            self.oid,
            _names(self.names),
            _quoted("DESC", self.desc),
            "OBSOLETE" if self.obsolete else "",
            _oids("SUP", self.sup),
            self.kind,
            _oids("MUST", self.must),
            _oids("MAY", self.may),
        )


Definition = AttributeType | ObjectClass

# --- writing --------------------------------------------------------------------------------------------------------


def _description(*parts: str) -> str:
    return f"( {' '.join(p for p in parts if p)} )"


def _word(keyword: str, value: str) -> str:
    return f"{keyword} {value}" if value else ""


def _quoted(keyword: str, text: str) -> str:
    escaped = text.replace("\\", "\\5C").replace("'", "\\27")
    return f"{keyword} '{escaped}'" if text else ""


def _names(names: tuple[str, ...]) -> str:
    quoted = " ".join(f"'{n}'" for n in names)
    return "" if not names else f"NAME {quoted}" if len(names) == 1 else f"NAME ( {quoted} )"


def _oids(keyword: str, oids: tuple[str, ...]) -> str:
    return "" if not oids else f"{keyword} {oids[0]}" if len(oids) == 1 else f"{keyword} ( {' $ '.join(oids)} )"


# --- reading --------------------------------------------------------------------------------------------------------

_TOKEN: Final = re.compile(r"[ \t\r\n]+|(#[^\n]*)|([()$])|'([^']*)'|([^\s()$']+)")
_ESCAPE: Final = re.compile(r"\\(27|5[Cc])")


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    quoted: bool
    line: int


def _tokens(text: str) -> Iterator[_Token]:
    at, line = 0, 1
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            raise SchemaError(f"line {line}: unexpected {text[at]!r}")
        _, mark, quoted, word = found.groups()
        if quoted is not None:
            yield _Token(_ESCAPE.sub(lambda m: "'" if m[1] == "27" else "\\", quoted), True, line)
        elif mark or word:
            yield _Token(mark or word, False, line)
        line += found[0].count("\n")
        at = found.end()


class _Cursor:
    """One definition after another, over the tokens of a file."""

    def __init__(self, text: str) -> None:
        self._tokens = [*_tokens(text), _Token("", False, text.count("\n") + 1)]
        self._at = 0

    @property
    def token(self) -> _Token:
        return self._tokens[self._at]

    @property
    def more(self) -> bool:
        """Is there another token?  An empty quoted one is a token."""
        return self._at < len(self._tokens) - 1

    def next(self) -> _Token:
        token = self.token
        if not self.more:
            raise SchemaError(f"line {token.line}: unfinished definition")
        self._at += 1
        return token

    def expect(self, text: str) -> None:
        token = self.next()
        if token.quoted or token.text != text:
            raise SchemaError(f"line {token.line}: {text!r} expected, {token.text!r} found")

    def many(self) -> tuple[str, ...]:
        """One value, or ``( a $ b )``, or ``( 'a' 'b' )``."""
        first = self.next()
        if first.quoted or first.text != "(":
            return (first.text,)
        values = []
        while (token := self.next()).quoted or token.text != ")":
            if token.quoted or token.text != "$":
                values.append(token.text)
        return tuple(values)


_FLAGS: Final = {
    "OBSOLETE": "obsolete",
    "SINGLE-VALUE": "single_value",
    "COLLECTIVE": "collective",
    "NO-USER-MODIFICATION": "no_user_modification",
}
_LISTS: Final = {"NAME": "names", "MUST": "must", "MAY": "may"}
_WORDS: Final = {
    "DESC": "desc", "EQUALITY": "equality", "ORDERING": "ordering", "SUBSTR": "substr", "SYNTAX": "syntax",
    "USAGE": "usage",
}  # fmt: skip
_KINDS: Final = ("ABSTRACT", "STRUCTURAL", "AUXILIARY")

_SYNTAX: Final = re.compile(r"([^{}]*)(?:\{(\d{1,9})\})?")
_MISPLACED: Final = "a keyword of another kind of definition"

Fields = dict[str, object]


def parse_schema(text: str) -> list[Definition]:
    """The definitions of one file, in order.  Raises ``SchemaError`` with the line."""
    cursor = _Cursor(text)
    found: list[Definition] = []
    while cursor.more:
        keyword = cursor.next()
        if keyword.text.lower() not in ("attributetype", "objectclass"):
            raise SchemaError(f"line {keyword.line}: {keyword.text!r} is not something we read")
        of_attribute = keyword.text.lower() == "attributetype"
        found.append((_attribute_type if of_attribute else _object_class)(cursor, keyword.line))
    return found


def parse_attribute_type(description: str) -> AttributeType:
    """One ``( … )`` of the attribute ``attributeTypes``."""
    return _attribute_type(_Cursor(description), 1)


def parse_object_class(description: str) -> ObjectClass:
    """One ``( … )`` of the attribute ``objectClasses``."""
    return _object_class(_Cursor(description), 1)


def _fields(cursor: _Cursor, *, sup_many: bool) -> Fields:
    cursor.expect("(")
    fields: Fields = {"oid": cursor.next().text}
    while (token := cursor.next()).text != ")":
        keyword = token.text
        if keyword in _FLAGS:
            fields[_FLAGS[keyword]] = True
        elif keyword in _LISTS:
            fields[_LISTS[keyword]] = cursor.many()
        elif keyword in _WORDS:
            fields[_WORDS[keyword]] = cursor.next().text
        elif keyword == "SUP":
            fields["sup"] = cursor.many() if sup_many else cursor.next().text
        elif keyword in _KINDS:
            fields["kind"] = keyword
        elif keyword.startswith("X-"):
            cursor.many()
        else:
            raise SchemaError(f"line {token.line}: unknown keyword {keyword!r}")
    return fields


def _attribute_type(cursor: _Cursor, line: int) -> AttributeType:
    fields = _fields(cursor, sup_many=False)
    syntax = _SYNTAX.fullmatch(str(fields.get("syntax", "")))
    if not syntax:
        raise SchemaError(f"line {line}: a syntax is an OID and perhaps a bound, {{n}}")
    fields |= {"syntax": syntax[1], "length": int(syntax[2] or 0)}
    try:
        return AttributeType(**fields)  # type: ignore[arg-type]
    except TypeError:
        raise SchemaError(f"line {line}: {_MISPLACED}") from None


def _object_class(cursor: _Cursor, line: int) -> ObjectClass:
    try:
        return ObjectClass(**_fields(cursor, sup_many=True))  # type: ignore[arg-type]
    except TypeError:
        raise SchemaError(f"line {line}: {_MISPLACED}") from None
