"""How the keys and the tokens begin of entries that hold a value which begins so: numbers that are being typed.  PURE.

Beside ``attributes.index_key`` and ``index_tag``, which are of whole values: each beginning given here finds, with the
others, all entries that match.  Only of attributes that no text finds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from directory_service.entries.attributes import Attribute, tag

_STATUS: Final = "a"  # one of two words, which every entry has: to count who has which takes longer than to find some


def key_starts(attribute: Attribute, prepared: str) -> Iterator[str]:
    """Of an initial component, as ``prepare`` gives it.  None where keys are of something else than the value, or where
    the end of the range would be hard to tell."""
    letter = attribute.key
    if letter in ("", "*", "m") or attribute.operational or not prepared.isascii():
        return
    letters = [letter]
    if letter[1:] and prepared[0] == letter[1]:  # a number behind its type digit: that of ``asNationalId``
        letters.append(letter[0])
    for each in letters:
        yield each + prepared
        if each[0] == "i" and prepared.upper() != prepared:  # as ``id_key`` writes what is no address
            yield each + prepared.upper()


def tag_starts(attribute: Attribute, prepared: str) -> Iterator[str]:
    """The same of tokens, which write what is not made of letters and digits otherwise."""
    if attribute.tag not in ("", _STATUS) and attribute.segment is None:
        plain, other = tag(attribute.tag, prepared), f"{attribute.tag}x{prepared.encode().hex()}"
        yield from dict.fromkeys((plain, other))
