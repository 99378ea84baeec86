"""French names as the extracts write them: drawn by INSEE frequency, evened out so that homonyms are as in life.

Surnames and given names are indexes into two pools; how a source spells one (accents or not, capitals or not) is
decided when a row is written.  The pools do not depend on the seed of a sample.
"""

from __future__ import annotations

import gzip
import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from importers.sample.numbers import Ints, draw

_COMPOUNDS = 20_000  # DUPONT-MARTIN: made from the frequencies themselves
_PARTICLES = ("DE LA", "DE", "D'", "DU", "DES", "LE", "L'", "EL", "VAN DER", "VON", "DE SAINT", "SAINT-")
_ESTATES = """
TOUR ROCHE CROIX FONTAINE VILLE FORGE GRANGE MOTTE RIVIERE CHAPELLE AUBIGNÉ ARGENT ORMESSON HERMITE ESTRÉES
ÉPINAY HÔPITAL ESPINASSE BEAUMONT MONTFORT VAUX CHAMPS PRÉ BOIS CLOS MOULIN MESNIL ROY SUEUR CALVEZ GOFFIC AMRANI FASSI
KHATTABI MOUSSAOUI BERG HEIDE PRIEST EXUPÉRY MARTIN GERMAIN AUBIN HELIER HILAIRE""".split()  # noqa: SIM905
_ACCENTED_SURNAMES = """
ANDRÉ BARRÉ RENÉ HERVÉ GÉRARD RÉMY NOËL JOSÉ AIMÉ HÉBERT GRÉGOIRE BÉNARD BÉRARD GUÉRIN PÉREZ LÉGER
MÉNARD LÉVY MÉLINE LÉON FRANÇOIS BESANÇON PRÉVOST PRÉVOT LACÔTE GÉLIN MÉRCIER DÉSIRÉ BÉGUÉ HÉRAULT ROYÈRE FERRÉ
MAHÉ PÉAN THÉBAULT DUPRÉ FOUCHÉ HONORÉ VALLÉE BARTHÉLÉMY CLÉMENT BENOÎT GAUTHIÉ LEFÈVRE""".split()  # noqa: SIM905
_ACCENTED_GIVEN = """ÉRIC JÉRÔME ÉLODIE ÉMILIE CÉDRIC SÉVERINE GRÉGORY ANGÉLIQUE JÉRÉMY ÉLISABETH ÉVELYNE GAËLLE NADÈGE
GÉRALDINE NOÉMIE ÉTIENNE ÉLIANE DANIÈLE MAËVA ÉDITH ÉDOUARD BÉNÉDICTE DÉBORAH ÉLISE KÉVIN MICKAËL RÉGIS ÉMELINE JÉRÉMIE
MÉGANE ÉLOÏSE JOSÉPHINE ÉMILE ÉLIE ÉMILIEN DOROTHÉE GWENAËLLE MAËLLE MÉLODIE AÏCHA BÉRENGÈRE LAËTITIA GAËL ÉLÉONORE
ADÉLAÏDE""".split()  # noqa: SIM905


def plain(text: str) -> str:
    """Without accents, same case."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text.replace("Œ", "OE").replace("œ", "oe"))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


_RESTORED = {plain(name): name for name in (*_ACCENTED_SURNAMES, *_ACCENTED_GIVEN)}


@dataclass(frozen=True)
class Pool:
    """Names with the running sum of their weights; ``first`` is the first part of a compound name, else itself."""

    names: tuple[str, ...]
    cumulated: NDArray[np.float64]
    first: Ints

    def draw(self, rng: np.random.Generator, size: int) -> Ints:
        return draw(rng, self.cumulated, size)


def _read(name: str) -> list[list[str]]:
    """The columns, without their captions; every row has a value in each."""
    data = resources.files("importers").joinpath("data", name).read_bytes()
    captions, _, rows = gzip.decompress(data).decode().partition("\n")
    values, width = rows.rstrip("\n").replace("\n", ",").split(","), captions.count(",") + 1
    return [values[column::width] for column in range(width)]


def _weights(births: list[str]) -> NDArray[np.float64]:
    """How often each name is drawn.  Those who practise have more various names than those who are born: as often as in
    births, a national sample has 75 women MARTIN ISABELLE; to the power 0.9, the 36 that there are."""
    return np.array(births, np.float64) ** 0.9


def _estates() -> list[str]:
    joined = (f"{p}{e}" if p[-1] in "'-" else f"{p} {e}" for p in _PARTICLES for e in _ESTATES)
    return sorted(set(joined))


@cache
def surnames() -> Pool:
    """INSEE surnames, then compounds of two of them (1.3 %) and names with a particle (0.3 %)."""
    names, births = _read("noms.csv.gz")
    weights = _weights(births)
    total = weights.sum()
    pairs = draw(np.random.default_rng(1789), weights.cumsum(), 2 * _COMPOUNDS).reshape(2, -1)
    compounds = [f"{names[a]}-{names[b]}" for a, b in pairs.T.tolist()]
    estates = _estates()
    all_weights = np.concatenate(
        [weights, np.full(_COMPOUNDS, 0.013 * total / _COMPOUNDS), np.full(len(estates), 0.003 * total / len(estates))]
    )
    first = np.arange(len(all_weights))
    first[len(names) : len(names) + _COMPOUNDS] = pairs[0]
    return Pool((*names, *compounds, *estates), all_weights.cumsum(), first)


@cache
def given_names(sex: int) -> Pool:
    """INSEE given names of one sex (1 M, 2 F), then several given names in a row (4 %)."""
    sexes, names, births = _read("prenoms.csv.gz")
    names = list(compress(names, of_it := [found == str(sex) for found in sexes]))
    weights = _weights(list(compress(births, of_it)))
    rng, extra = np.random.default_rng(1790 + sex), 4_000
    chosen = draw(rng, weights.cumsum(), 3 * extra).reshape(3, -1).T.tolist()
    several = [" ".join(names[i] for i in dict.fromkeys(row[: 2 + k % 2])) for k, row in enumerate(chosen)]
    all_weights = np.concatenate([weights, np.full(extra, 0.04 * weights.sum() / extra)])
    return Pool((*names, *several), all_weights.cumsum(), np.arange(len(all_weights)))


@lru_cache(maxsize=100_000)
def spelt(name: str, accents: bool, capitals: bool) -> str:
    """One name as a source spells it: ``HELENE``, ``HÉLÈNE``, ``Hélène``."""
    shown = _RESTORED.get(name, name) if accents else plain(name)
    return shown if capitals else re.sub(r"[^ '-]+", lambda m: m[0].capitalize(), shown)


@lru_cache(maxsize=300_000)
def slug(name: str) -> str:
    """The name as it stands in an address: ``le-gall``, ``daubigne``."""
    return re.sub(r"[^a-z0-9]+", "-", plain(name).lower().replace("'", "")).strip("-")
