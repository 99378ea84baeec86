"""How French names sound, and how they are mistyped: what ``~=`` means on a name (RFC 4511 4.5.1.7.6).  PURE.

``code`` is one pass of a table of rules over a folded word; words of one code sound alike (``sounds_alike``).
``Alike`` adds typing errors.  A name is heard word by word, its particles glued to what follows, since they are written
either way (``LE GOFF``, ``LEGOFF``).  The rules are our own, made from spellings of the same French family names; each
line says which, and ``bench.phonetics`` measures them.  Nothing here is exact: who needs the very name asks for
equality.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from directory_service.model.names import SAINTS, fold_once, squash, words
from directory_service.model.nicknames import is_nickname

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
    Rule("oe", r"o?e(?:bv|uv|v)r|(?<=lef)ebr", "evr", "Lefebvre = Lefeuvre = Lefèvre"),
    Rule("c", r"clercq?$", "kler", "Leclercq = Leclerc = Leclair"),
    Rule("c", r"ch(?=[lr]|ael)", "k", "Christophe = Cristophe, Michaël = Mickaël"),
    Rule("v", r"vu?ill", "vil", "Villars = Vilar, Vuillemin = Villemin: not the y of fille"),
    Rule("i", r"(?<=(?<!a)[cgmr])ill(?=es?$)", "il", "Gilles = Gil, Lucille = Lucile: nor there"),
    Rule("s", r"schm[iy]e?(?=[dt]+$)", "6mi", "Schmied = Schmidt"),
    Rule("d", r"^des?h(?=[aeo])|^des(?=[bcdfgjlmnpqrtv])", "de", "Deshayes = Dehayes, Desfossé = Defossé"),
    Rule("p", r"pasqu?", "pak", "Pasquet = Paquet"),
    Rule("p", r"pre(?:e?s?|tz?|z|y)$", "pre", "Després = Desprez: E of a source without accents"),
    Rule("c", r"chast", "6at", "Chastelain = Châtelain"),
    Rule("c", r"cresp", "krep", "Crespin = Crépin"),
    Rule("a", r"ae(?=[ct])", "e", "Laetitia = Létitia"),
    Rule("t", r"(?<=i)t(?=ia)", "s", "Laetitia = Laeticia"),
    Rule("a", r"anc(?=oi)", "1s", "François without its cedilla = Fransois"),
    # silent endings
    Rule("e", r"(?<=tin|men|and|end|nch|zal|mir|var|uar|igu|ngu|lop|gom)e[sz]$", "es", "Lopez = Lopes, not Lopet"),
    Rule("tdsxpz", r"(?<=[aeiouynmrls])(?:(?<![aei])p)?[tdsxz]+$|(?<=m|u)p$", "",
         "Dupont = Dupond, Renault = Renaud, Benoist = Benoît"),
    Rule("s", r"(?<=[aeou])s(?=n)|(?<=[ao]i)s(?=n)|(?<=[eu])s(?=[lm])", "", "Besnard = Bénard, Meslin = Mélin"),
    Rule("dt", r"(?<=[aeiou]n)[dt](?=[bcfgjklmnpqv])", "", "Grandjean = Granjean"),
    Rule("p", r"(?<=m)p(?=t)", "", "Lecompte = Lecomte"),
    Rule("e", r"(?<=l)e(?=tie[rz])|(?<=[aeious][mst])e(?=[lv][ae]?in(?!e))|(?<=qu)e(?=m)", "",
         "Pelletier = Peltier, Hamelin = Hamlin, Jacquemin = Jacqmin"),
    Rule("gc", r"(?<=[nr])g[st]?$|(?<=n)cs?$", "", "Bourg = Bour, Leblanc = Leblan"),
    Rule("e", r"(?<=.)e+s?$", "", "Georges = George, Andrée = André"),
    # consonants
    Rule("sc", r"sch|sh|ch", "6", "Schmitt = Chmitt"),
    Rule("p", r"ph", "f", "Philippe = Filipe"),
    Rule("g", r"gn(?:i(?=au))?", "7", "Mignot, not Minot; Vergniaud = Vergnaud"),
    Rule("sc", r"s?c(?=[eiy])", "s", "Cécile = Sésile, Descelles = Deselles"),
    Rule("cqk", r"c?qu?|ck?|k", "k", "Lucas = Lukas, Jacques = Jaques, Lebecq = Lebec"),
    Rule("gj", r"[gj]e(?=[ao])|g(?=[eiy])|j", "j", "Georges = Jorge, Jeannot = Janot"),
    Rule("g", r"gu(?=[eiy])|gh?", "g", "Guérin, Ghislain = Guislain"),
    Rule("w", r"w", "v", "Wagner = Vagner"),
    # vowels, and what l, i, n and m make of them
    Rule("ae", r"[ae][iy]es?$", "e", "Delahaye = Delahaie = Delahay"),
    Rule("ea", rf"[ae]ill?(?=[{_V}])|[ae]il$|[ae][iy](?=[{_V}])", "e8", "Caillaud = Cayot, Mayer = Meyer = Maier"),
    Rule("oeu", r"(?:oe?u|eu|ue)il+", "58", "Breuil = Breuille"),
    Rule("i", rf"il[lh](?=[{_V}])|(?<=u)il(?=ie[rz])", "i", "Guillaume = Guilhaume, Guillot = Guyot"),
    Rule("o", rf"oin(?![{_V}n])", "43", "Lointier, not Lontier"),
    Rule("o", r"o[iy]", "4a", "Leroy = Leroi, Lemoine = Lemoyne"),
    Rule("eao", r"e?au(?:l(?=[bcdfgmnpqstvx]))?|o[st]?(?=[tdsxp]*$)", "o",
         "Renault = Renaud, Saulnier = Saunier, Moreau = Morot, Prévost = Prévot"),
    Rule("o", r"ou(?:l(?=[tdsx]+$))?|ow", "4", "Roux = Rou, Arnould = Arnoux"),
    Rule("oe", r"o?eu|oe", "5", "Lebœuf = Lebeuf"),
    Rule("ae", rf"[ae][iy][nm](?![{_V}nm])", "3", "Martain = Martin, Faimbault = Fimbault"),
    Rule("iy", rf"[iy]n(?![{_V}n])|[iy]m(?=[bp])", "3", "Rimbaud = Rinbaud"),
    Rule("u", rf"un(?![{_V}n])|um(?=[bp])", "3", "Lebrun = Lebrin, as it is said today"),
    Rule("e", r"(?<=[iy])en(?=[sx]?$)", "3", "Julien = Julyen"),
    Rule("ae", r"[ae]n(?=[bcdfgjklpqrstvwxz])|[ae]m(?=[bp])|an(?=$)", "1", "Durand = Durend, Lambert = Lembert"),
    Rule("o", rf"on(?![{_V}nh])|om(?=[bpt])", "2", "Combes = Conbes, Lecomte = Leconte"),
    Rule("ae", r"ais(?=t)|[ae][iy]", "e", "Faivre = Fèvre, Boullay = Boulet, Lemaistre = Lemaître"),
    Rule("e", r"(?:e[tz]|(?<=[iyg])er(?<![ae][iy]er)|(?<=ch)er(?<!scher)|er(?<=iller))(?=[sxz]?$)", "e",
         "Bouchet = Boucher; Muller, Mayer and Fischer end in r"),
    Rule("e", r"es(?=t[a-z])", "e", "Forestier = Forêtier"),
    # one letter
    Rule("x", r"(?<=ou)x(?=[ei])|(?<=te)x(?=ier)", "s", "Rouxel = Roussel, Texier = Tessier"),
    Rule("x", r"x", "ks", "Alexandre = Aleksandre"),
    Rule("y", r"y", "i", "Yves = Ives"),
    Rule("sz", rf"z|(?<=[{_V}])s(?=[{_V}])", "z", "Rozier = Rosier, not Rossier"),
    Rule("s", r"ss", "s", "Rossier"),
    Rule("h", r"h", "", "Thomas = Tomas, Hervé = Ervé"),
)  # fmt: skip


def _of_letter(letter: str) -> tuple[Callable[[str, int], re.Match[str] | None], tuple[str, ...]]:
    rules = [rule for rule in RULES if letter in rule.starts]
    return re.compile("|".join(f"({rule.spelling})" for rule in rules)).match, ("", *(rule.sound for rule in rules))


# Letter ► the one expression of its rules, and their sounds: ten times quicker than one expression of all.
_BY_LETTER: Final = {letter: _of_letter(letter) for rule in RULES for letter in rule.starts}
_NOT_LETTER: Final = re.compile(r"[^a-z]+")
_DOUBLE: Final = re.compile(r"([bcdfgjkmnpqrtvwxz])\1+|(?<!i)(l)l+")
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
    return not {code(one), *_accented(one)}.isdisjoint({code(other), *_accented(other)} - {SILENT})


def sounds(word: str) -> tuple[str, ...]:
    """The codes of all words that sound like this one, and of some that do not."""
    own = code(word)
    return tuple(dict.fromkeys((own, *_accented(word), *((own[:-1],) if own[-1] == "e" and len(own) > 1 else ()))))


def _accented(word: str) -> tuple[str, ...]:
    """How a word that ends in E may sound too: capitals without accents do not tell *Carré* from *Carre*."""
    return (code(word) + "e",) if len(word) > 2 and word[-1] == "e" and word[-2] != "e" else ()


# --- typing errors ---------------------------------------------------------------------------------------------------

ONE_EDIT: Final = 4  # letters: among shorter words everything is an edit away from everything
LONGEST_EDITED: Final = 32  # letters: no name has a longer word, and all that one error makes of it grows as its square
TWO_EDITS: Final = 8  # letters: in shorter words two errors make other names


def within(one: str, other: str, most: int) -> bool:
    """Whether so few letters added, left out, changed or exchanged with their neighbour make one word the other (no
    letter twice)."""
    if abs(len(one) - len(other)) > most or len({*one} ^ {*other}) > 2 * most:
        return False
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
    if most == 1:  # neither their first letters are the same, nor their last ones
        return len(one) == len(other) == 1 or (len(one) == len(other) == 2 and one == other[::-1])
    return (
        within(one[1:], other[1:], most - 1)
        or within(one[1:], other, most - 1)
        or within(one, other[1:], most - 1)
        or (one[1::-1] == other[:2] and len(other) > 1 and within(one[2:], other[2:], most - 1))
    )


def mistyped(typed: str, word: str) -> bool:
    """One error in a word of ``ONE_EDIT`` letters and more; two anywhere in one of ``TWO_EDITS``, of which one may be
    missing."""
    if not is_mistypable(typed):
        return False
    return within(typed, word, 2 if len(typed) >= TWO_EDITS - 1 and len(word) >= TWO_EDITS else 1)


def is_mistypable(typed: str) -> bool:
    """Whether a word is of a length in which errors are looked for."""
    return ONE_EDIT <= len(typed) <= LONGEST_EDITED


def is_short(typed: str) -> bool:
    """Whether it may be a short name with an error, where nothing is decided by it: to be shown last, to who looks."""
    return len(typed) == ONE_EDIT - 1


def mistyped_short(typed: str, word: str) -> bool:
    """One error in a word that ``is_short``."""
    return is_short(typed) and within(typed, word, 1)


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

LONGEST_HEARD: Final = 128  # octets, and letters: what is longer is nobody's name, and is only ever equal to one

PARTICLES: Final = frozenset(
    "ait d da das de del della den der des di dos du el l la le les mac o ould st ste van von".split()  # noqa: SIM905
)
MOST_GLUED: Final = 8  # particles before one word: *de la* is two; what they are written as grows as their square
_SAINT: Final = dict.fromkeys((*SAINTS, *SAINTS.values()), "saint")
_SAINT_GLUED: Final = re.compile(r"st(?=[bcdfgjlmnpqv][a-z]{2})|sainte(?=[a-z]{3})")


def spelt(word: str) -> str:
    """A folded word, its Saint written out: ``st`` and ``sainte`` are ``saint``, ``stmartin`` is ``saintmartin``."""
    if not word.startswith("s"):
        return word
    return _SAINT.get(word) or (_SAINT_GLUED.sub("saint", word, count=1) if _SAINT_GLUED.match(word) else word)


def _chains(spelled: Iterable[str]) -> Iterator[list[str]]:
    """For each word what it may be written as: with the particles before it, the longest first, and alone."""
    chain: list[str] = []
    for word in spelled:
        chain = [before + word for before in (*chain[-MOST_GLUED:], "")]
        yield chain
        if not goes_on(word):
            chain = []


def goes_on(word: str) -> bool:
    """Whether it may be of one word with the next."""
    return word in PARTICLES or word == "saint"


@lru_cache(maxsize=20_000)
def heard(text: str) -> tuple[str, ...]:
    """What a name may be called by: its words, each with the particles before it, compounds in one word and by their
    initials: ``de, la, latour, tour, …``; ``jean, pierre, jeanpierre, jp``."""
    spelled = [spelt(word) for word in words(text)]
    glued = [way for chain in _chains(spelled) for way in chain[:-1]]
    compounds = _COMPOUND.findall(text) if "-" in text else ()
    return tuple(dict.fromkeys((*spelled, *glued, *(form for c in compounds for form in _forms(words(c))))))


_COMPOUND: Final = re.compile(r"[^\s-]+(?:-[^\s-]+)+")


def _forms(parts: list[str]) -> tuple[str, ...]:
    return ("".join(map(spelt, parts)), "".join(part[0] for part in parts)) if len(parts) > 1 else ()


@lru_cache(maxsize=4096)
def units(text: str) -> tuple[tuple[str, ...], ...]:
    """The words of a question, particles going with what follows them: each as a name may have it, with all of them
    and with fewer (``de la tour``: ``delatour``, ``latour``, ``tour``).  A particle at the end may go on (``st`` is
    Saint, or Stéphane)."""
    typed = words(text)
    chains = list(_chains(map(spelt, typed)))
    found = [tuple(chain) for chain in chains if not goes_on(chain[-1])]
    if chains and goes_on(chains[-1][-1]):
        found.append(tuple(dict.fromkeys((*chains[-1], typed[-1]))))
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=20_000)
def near(typed: str, word: str) -> bool:
    """Whether a word that was typed may be this one, as it is heard or mistyped."""
    return typed == word or sounds_alike(typed, word) or mistyped(typed, word)


@lru_cache(maxsize=20_000)
def meant(typed: str, word: str) -> bool:
    """``near``, or a nickname."""
    return near(typed, word) or is_nickname(typed, word)


def is_heard(typed: bytes) -> bool:
    """Whether what was typed is short enough to be taken by its sound: three octets may be eighteen letters."""
    if len(typed) > LONGEST_HEARD:
        return False
    return typed.isascii() or len(squash(typed.decode("utf-8", "replace"))) <= LONGEST_HEARD


class Alike:
    """Tells of many names whether each may be the one that was typed: it is equal but for accents and signs, or each
    word typed may be one of its own, each another one, in any order.  Nothing is kept of the names: plans, which hold
    this, are remembered."""

    def __init__(self, typed: str) -> None:
        self._whole = squash(typed)
        self._wanted = units(typed) if is_heard(typed.encode()) else ()

    def __call__(self, name: str) -> bool:
        folded = fold_once(name)
        if self._whole and self._whole == folded.replace(" ", ""):
            return True
        if not self._wanted:
            return False
        parts = tuple(dict.fromkeys(map(spelt, folded.split())))
        if "-" in name or any(map(goes_on, parts)):
            parts = heard(name)
        fits = [[part for part in parts if any(meant(way, part) for way in ways)] for ways in self._wanted]
        return all(fits) and (len(fits) == 1 or _each_its_own(fits))


def _each_its_own(choices: list[list[str]]) -> bool:
    """Whether each may have one of its choices that no other has: by augmenting paths, so that many words cost little
    more than few."""
    holder: dict[str, int] = {}

    def settle(one: int, tried: set[str]) -> bool:
        for choice in choices[one]:
            if choice in tried:
                continue
            tried.add(choice)
            if choice not in holder or settle(holder[choice], tried):
                holder[choice] = one
                return True
        return False

    return all(settle(one, set()) for one in range(len(choices)))
