"""How French names sound, and how they are mistyped: what ``~=`` means on a name (RFC 4511 4.5.1.7.6).  PURE.

``code`` is one pass of a table of rules over a folded word; words of one code sound alike (``sounds_alike``).
``alike`` adds typing errors.  A name is heard word by word, its particles glued to what follows, since they are written
either way (``LE GOFF``, ``LEGOFF``).  The rules are our own, made from spellings of the same French family names; each
line says which.  Nothing here is exact: who needs the very name asks for equality.
Nicknames are not here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from directory_service.model.names import squash, words

# --- sounds ----------------------------------------------------------------------------------------------------------


class Rule(NamedTuple):
    """Where the word goes on with ``spelling`` (a regular expression; ``starts`` are the letters it may start with), it
    sounds ``sound``.  The first rule wins; a letter without one sounds itself."""

    starts: str
    spelling: str
    sound: str
    aim: str


_V: Final = "aeiouy"
# Sounds that no letter writes alone: 1 an, 2 on, 3 in, 4 ou, 5 eu, 6 ch, 7 gn, 8 the y of fille.
# Double consonants are one already, but ``ll`` after i; ``$`` is the end of the word.
RULES: Final = (
    # beginnings and endings that kept an old spelling
    Rule("t", r"^thie?b", "tib", "Thiébaut = Thibaut"),
    Rule("r", r"^regn", "ren", "Regnault = Renault, Regnier = Renier"),
    Rule("oe", r"o?e(?:bv|uv|v)r", "evr", "Lefebvre = Lefeuvre = Lefèvre"),
    Rule("c", r"clercq?$", "kler", "Leclercq = Leclerc = Leclair"),
    Rule("c", r"ch(?=[lr])", "k", "Christophe = Cristophe"),
    Rule("v", r"vill", "vil", "Villars = Vilar: not the y of fille"),
    Rule("a", r"anc(?=oi)", "1s", "François without its cedilla = Fransois"),
    # silent endings
    Rule("tdsxpz", r"(?<=[aeiouynmrls])[tdsxpz]+$", "", "Dupont = Dupond, Renault = Renaud, Benoist = Benoît"),
    Rule("gc", r"(?<=[nr])g[st]?$|(?<=n)cs?$", "", "Bourg = Bour, Leblanc = Leblan"),
    Rule("e", r"(?<=.)e+s?$", "", "Georges = George, Andrée = André"),
    # consonants
    Rule("sc", r"sch|sh|ch", "6", "Schmitt = Chmitt"),
    Rule("p", r"ph", "f", "Philippe = Filipe"),
    Rule("g", r"gn", "7", "Mignot, not Minot"),
    Rule("sc", r"s?c(?=[eiy])", "s", "Cécile = Sésile, Descelles = Deselles"),
    Rule("cqk", r"c?qu?|ck?|k", "k", "Lucas = Lukas, Jacques = Jaques, Lebecq = Lebec"),
    Rule("gj", r"ge(?=[ao])|g(?=[eiy])|j", "j", "Georges = Jorge, Gérard = Jérard"),
    Rule("g", r"gu(?=[eiy])|gh?", "g", "Guérin, Ghislain = Guislain"),
    Rule("w", r"w", "v", "Wagner = Vagner"),
    # vowels, and what l, i, n and m make of them
    Rule("a", rf"aill?(?=[{_V}])|ail$", "a8", "Caillaud = Cailleau, Mailly"),
    Rule("ea", rf"eill?(?=[{_V}])|eil$|[ae][iy](?=[{_V}])", "e8", "Mayer = Meyer = Maier"),
    Rule("oeu", r"(?:oe?u|eu|ue)il+", "58", "Breuil = Breuille"),
    Rule("i", rf"il[lh](?=[{_V}])", "8", "Guillaume = Guilhaume"),
    Rule("o", rf"oin(?![{_V}n])", "43", "Lointier, not Lontier"),
    Rule("o", r"o[iy]", "4a", "Leroy = Leroi, Lemoine = Lemoyne"),
    Rule("eao", r"e?au(?:l(?=[tdsx]))?|o[st]?(?=[tdsxp]*$)", "o", "Renault = Renaud, Moreau = Morot, Prévost = Prévot"),
    Rule("o", r"ou|ow", "4", "Roux = Rou"),
    Rule("oe", r"o?eu|oe", "5", "Lebœuf = Lebeuf"),
    Rule("ae", rf"[ae][iy][nm](?![{_V}nm])", "3", "Martain = Martin, Faimbault = Fimbault"),
    Rule("iy", rf"[iy]n(?![{_V}n])|[iy]m(?=[bp])", "3", "Rimbaud = Rinbaud"),
    Rule("u", rf"un(?![{_V}n])|um(?=[bp])", "3", "Lebrun = Lebrin, as it is said today"),
    Rule("e", r"(?<=[iy])en(?=[sx]?$)", "3", "Julien = Julyen"),
    Rule("ae", r"[ae]n(?=[bcdfgjklpqrstvwxz])|[ae]m(?=[bp])|an(?=$)", "1", "Durand = Durend, Lambert = Lembert"),
    Rule("o", rf"on(?![{_V}nh])|om(?=[bp])", "2", "Combes = Conbes"),
    Rule("ae", r"ais(?=t)|[ae][iy]|e[rtz](?=[sxz]?$)", "e", "Faivre = Fèvre, Boullay = Boulet, Lemaistre = Lemaître"),
    Rule("e", r"es(?=t[a-z])", "e", "Forestier = Forêtier"),
    # one letter
    Rule("x", r"x", "ks", "Alexandre = Aleksandre"),
    Rule("y", r"y", "i", "Yves = Ives"),
    Rule("z", r"z", "s", "Rozier = Rosier"),
    Rule("h", r"h", "", "Thomas = Tomas, Hervé = Ervé"),
)  # fmt: skip


def _of_letter(letter: str) -> tuple[Callable[[str, int], re.Match[str] | None], tuple[str, ...]]:
    rules = [rule for rule in RULES if letter in rule.starts]
    return re.compile("|".join(f"({rule.spelling})" for rule in rules)).match, ("", *(rule.sound for rule in rules))


# Letter ► the one expression of its rules, and their sounds: ten times quicker than one expression of all.
_BY_LETTER: Final = {letter: _of_letter(letter) for rule in RULES for letter in rule.starts}
_NOT_LETTER: Final = re.compile(r"[^a-z]+")
_DOUBLE: Final = re.compile(r"([bcdfgjkmnpqrstvwxz])\1+|(?<!i)(l)l+")
SILENT: Final = "0"  # the code of a word with nothing to hear in it


@lru_cache(maxsize=100_000)
def code(word: str) -> str:
    """How a folded word sounds, in lower-case letters and digits, none twice in a row; never empty."""
    if not (word.isascii() and word.isalpha()):
        word = _NOT_LETTER.sub("", word)
    if _DOUBLE.search(word):
        word = _DOUBLE.sub(r"\1\2", word)
    heard, last, at, size = "", "", 0, len(word)
    while at < size:
        sound = word[at]
        rules = _BY_LETTER.get(sound)
        found = rules[0](word, at) if rules else None
        if found is None or rules is None:
            at += 1
        else:
            sound, at = rules[1][found.lastindex or 0], found.end()
        if sound:
            heard += sound[1:] if last == sound[0] else sound
            last = sound[-1]
    return heard or SILENT


def sounds_alike(one: str, other: str) -> bool:
    """Two folded words."""
    return code(one) == code(other) != SILENT


# --- typing errors ---------------------------------------------------------------------------------------------------

ONE_EDIT: Final = 4  # letters: among shorter words everything is an edit away from everything
TWO_EDITS: Final = 8
HALF: Final = 4  # letters at the beginning, or the end, that are right in a word with two errors


def within(one: str, other: str, most: int) -> bool:
    """Whether so few letters added, left out, changed or exchanged with their neighbour make one word the other (no
    letter twice)."""
    start = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        start += 1
    one, other = one[start:], other[start:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    if not (one and other) or most == 0:
        return len(one) + len(other) <= most
    if abs(len(one) - len(other)) > most:
        return False
    return (
        within(one[1:], other[1:], most - 1)
        or within(one[1:], other, most - 1)
        or within(one, other[1:], most - 1)
        or (one[1::-1] == other[:2] and len(other) > 1 and within(one[2:], other[2:], most - 1))
    )


def mistyped(typed: str, word: str) -> bool:
    """One error in a word of ``ONE_EDIT`` letters and more; two where both have ``TWO_EDITS``, one half being right."""
    if len(typed) < ONE_EDIT:
        return False
    long = len(typed) >= TWO_EDITS and len(word) >= TWO_EDITS
    two = long and (typed[:HALF] == word[:HALF] or typed[-HALF:] == word[-HALF:])
    return within(typed, word, 2 if two else 1)


def one_edit(word: str) -> Iterator[str]:
    """All that one error makes of a word, with letters a–z."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    for n in range(len(word) + 1):
        head, tail = word[:n], word[n:]
        for letter in letters:
            yield head + letter + tail
            if tail:
                yield head + letter + tail[1:]
        if tail:
            yield head + tail[1:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]


# --- names -----------------------------------------------------------------------------------------------------------

PARTICLES: Final = frozenset("d de del della des di du l la le les o st ste van von".split())  # noqa: SIM905


@lru_cache(maxsize=20_000)
def heard(text: str) -> tuple[str, ...]:
    """What a name may be called by: its words, and each with the particles before it: ``de, la, latour, tour, …``."""
    found = list(dict.fromkeys(words(text)))
    glued = []
    chain: list[str] = []  # all that the particles just met begin
    for word in words(text):
        chain = [before + word for before in (*chain, "")]
        glued += chain[:-1]
        if word not in PARTICLES:
            chain = []
    return tuple(dict.fromkeys((*found, *glued)))


@lru_cache(maxsize=4096)
def asked(text: str) -> tuple[str, ...]:
    """The words of a question, particles glued to what follows them."""
    found, before = [], ""
    for word in words(text):
        before += word
        if word not in PARTICLES:
            found.append(before)
            before = ""
    return tuple(dict.fromkeys([*found, before] if before else found))


@lru_cache(maxsize=20_000)
def near(typed: str, word: str) -> bool:
    """Whether a word that was typed may be this one."""
    return typed == word or sounds_alike(typed, word) or mistyped(typed, word)


def alike(typed: str, name: str) -> bool:
    """Whether a name may be the one meant: it is equal but for accents and signs, or each word typed is near one of
    its own, in any order."""
    whole = squash(typed)
    if whole and whole == squash(name):
        return True
    wanted = asked(typed)
    return bool(wanted) and all(any(near(word, part) for part in heard(name)) for word in wanted)
