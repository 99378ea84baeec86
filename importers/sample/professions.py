"""Who practises what, where: the tables that shape the made-up country.

Weights are thousands of people at national scale (1.7 M), rounded from public orders of magnitude; they are not
statistics.  Labels come from the nomenclatures of the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from directory_service.model import nomenclature
from importers.sample.numbers import Ints, draw

NATIONAL = 1_700_000  # people at national scale

# Settings: hospital and other institutions, pharmacy, laboratory, shop, own practice (cabinet).
HOSPITAL, PHARMACY, LABORATORY, SHOP, PRACTICE = range(5)


@dataclass(frozen=True, slots=True)
class Profession:
    """One profession.  ``settings``: shares of the five settings.  ``box``: share of people with a mailbox (scaled
    to the national total); ``common``: among those, share whose box is in the profession's own domain."""

    code: str
    weight: float
    women: float
    settings: tuple[float, float, float, float, float]
    box: float
    common: float
    domain: str
    diplomas: tuple[tuple[str, str], ...]
    title: float = 0.0  # share called Docteur
    switched: bool = False  # came from ADELI (formats.md §3)
    cat18: bool = False  # already in the RPPS in 2016-2018
    authority: str = "ARS/ARS"
    students: float = 0.0


_H, _MIX, _C, _O = (1, 0, 0, 0, 0), (0.5, 0, 0, 0, 0.5), (0.1, 0, 0, 0, 0.9), (0.05, 0, 0, 0.9, 0.05)
_DE = "Diplôme d'Etat"

PROFESSIONS: tuple[Profession, ...] = (
    Profession("10", 235, 0.48, (0.47, 0, 0.01, 0, 0.52), 0.66, 0.33, "medecin.mssante.fr",
               (("DE28", f"{_DE} de docteur en médecine"), ("DES01", "DES de spécialité médicale"),
                ("DU10", "Diplôme d'université de médecine")),
               title=0.97, cat18=True, authority="CNOM/CNOM", students=0.12),
    Profession("21", 76, 0.68, (0.1, 0.72, 0.09, 0, 0.09), 0.56, 0.52, "pharmacien.mssante.fr",
               (("DE30", f"{_DE} de docteur en pharmacie"), ("DES21", "DES de pharmacie")),
               title=0.6, cat18=True, authority="CNOP/CNOP", students=0.05),
    Profession("40", 47, 0.49, (0.08, 0, 0, 0, 0.92), 0.5, 0.62, "chirurgien-dentiste.mssante.fr",
               (("DE40", f"{_DE} de docteur en chirurgie dentaire"), ("CES40", "CES d'odontologie")),
               title=0.97, cat18=True, authority="CNOCD/CNOCD", students=0.04),
    Profession("50", 25, 0.97, (0.62, 0, 0, 0, 0.38), 0.5, 0.4, "sage-femme.mssante.fr",
               (("DE50", f"{_DE} de sage-femme"),), cat18=True, authority="CNOSF/CNOSF", students=0.03),
    Profession("60", 640, 0.87, (0.76, 0, 0, 0, 0.24), 0.17, 0.2, "infirmier.mssante.fr",
               (("DE60", f"{_DE} d'infirmier"), ("DE61", f"{_DE} d'infirmier anesthésiste"),
                ("DE62", f"{_DE} de puéricultrice")), switched=True, authority="ONI/ONI"),
    Profession("69", 6, 0.6, _H, 0.08, 0.2, "infirmier.mssante.fr", (("DP69", "Diplôme d'infirmier psychiatrique"),),
               switched=True, authority="ONI/ONI"),
    Profession("70", 106, 0.52, (0.2, 0, 0, 0, 0.8), 0.32, 0.36, "masseur-kinesitherapeute.mssante.fr",
               (("DE70", f"{_DE} de masseur-kinésithérapeute"),), cat18=True, authority="CNOMK/CNOMK"),
    Profession("80", 15, 0.66, _C, 0.34, 0.6, "pedicure-podologue.mssante.fr",
               (("DE80", f"{_DE} de pédicure-podologue"),), cat18=True, authority="CNOPP/CNOPP"),
    Profession("86", 50, 0.75, (0.4, 0, 0.6, 0, 0), 0.03, 0.1, "pro.mssante.fr",
               (("DE86", f"{_DE} de technicien de laboratoire médical"),), switched=True),
    Profession("98", 40, 0.72, (0.8, 0, 0, 0, 0.2), 0.04, 0.1, "pro.mssante.fr",
               (("DE98", f"{_DE} de manipulateur d'électroradiologie médicale"),), switched=True),
    Profession("91", 27, 0.97, (0.2, 0, 0, 0, 0.8), 0.4, 0.5, "orthophoniste.mssante.fr",
               (("CC91", "Certificat de capacité d'orthophoniste"),), switched=True),
    Profession("92", 6, 0.89, (0.3, 0, 0, 0, 0.7), 0.3, 0.9, "pro.mssante.fr",
               (("CC92", "Certificat de capacité d'orthoptiste"),), switched=True),
    Profession("94", 17, 0.87, (0.8, 0, 0, 0, 0.2), 0.12, 0.4, "pro.mssante.fr",
               (("DE94", f"{_DE} d'ergothérapeute"),), switched=True),
    Profession("95", 18, 0.94, (0.6, 0, 0, 0, 0.4), 0.15, 0.6, "pro.mssante.fr",
               (("BTS95", "BTS de diététique"),), switched=True),
    Profession("96", 17, 0.88, _MIX, 0.12, 0.6, "pro.mssante.fr",
               (("DE96", f"{_DE} de psychomotricien"),), switched=True),
    Profession("93", 95, 0.86, _MIX, 0.1, 0.4, "psychologue.mssante.fr",
               (("MA93", "Master de psychologie"),), switched=True),
    Profession("28", 47, 0.55, _O, 0.05, 0.9, "opticien.mssante.fr", (("BTS28", "BTS d'opticien-lunetier"),),
               switched=True),
    Profession("26", 5, 0.5, _O, 0.14, 0.9, "pro.mssante.fr", (("DE26", f"{_DE} d'audioprothésiste"),), switched=True),
    Profession("81", 2, 0.3, _O, 0.1, 0.9, "pro.mssante.fr", (("BTS81", "BTS de prothésiste-orthésiste"),),
               switched=True),
    Profession("82", 0.8, 0.3, _O, 0.1, 0.9, "pro.mssante.fr", (("BTS82", "BTS de podo-orthésiste"),), switched=True),
    Profession("83", 3, 0.5, _O, 0.1, 0.9, "pro.mssante.fr", (("CQ83", "Certificat d'orthopédiste-orthésiste"),),
               switched=True),
    Profession("84", 0.1, 0.4, _O, 0.1, 0.9, "pro.mssante.fr", (("CQ84", "Certificat d'oculariste"),), switched=True),
    Profession("85", 0.1, 0.4, _O, 0.1, 0.9, "pro.mssante.fr", (("CQ85", "Certificat d'épithésiste"),), switched=True),
    Profession("31", 32, 0.97, _C, 0.03, 0.5, "pro.mssante.fr", (("CQ31", "Titre d'assistant dentaire"),),
               switched=True),
    Profession("32", 0.9, 0.45, _H, 0.3, 0.2, "pro.mssante.fr", (("DQ32", "DQPRM de physique médicale"),)),
    Profession("35", 62, 0.9, _H, 0.02, 0.1, "pro.mssante.fr", (("DE35", f"{_DE} d'aide-soignant"),)),
    Profession("36", 12, 0.4, _H, 0.02, 0.5, "pro.mssante.fr", (("DE36", f"{_DE} d'ambulancier"),)),
    Profession("37", 14, 0.98, _H, 0.02, 0.2, "pro.mssante.fr", (("DE37", f"{_DE} d'auxiliaire de puériculture"),)),
    Profession("38", 5, 0.83, _H, 0.1, 0.1, "pro.mssante.fr", (("DP38", "Diplôme de préparateur hospitalier"),)),
    Profession("39", 38, 0.9, (0, 1, 0, 0, 0), 0.03, 0.9, "pharmacien.mssante.fr",
               (("BP39", "Brevet professionnel de préparateur en pharmacie"),)),
    Profession("71", 33, 0.52, _C, 0.05, 0.9, "pro.mssante.fr", (("DO71", "Diplôme d'ostéopathe"),), switched=True),
    Profession("72", 9, 0.7, _C, 0.05, 0.9, "pro.mssante.fr", (("TI72", "Titre de psychothérapeute"),), switched=True),
    Profession("73", 1.6, 0.4, _C, 0.05, 0.9, "pro.mssante.fr", (("DC73", "Diplôme de chiropracteur"),),
               switched=True),
    Profession("97", 0.3, 0.9, _H, 0.3, 0.1, "pro.mssante.fr", (("MA97", "Master de conseil en génétique"),)),
    Profession("41", 30, 0.93, (0.95, 0, 0, 0, 0.05), 0.12, 0.3, "social.mssante.fr",
               (("DE41", f"{_DE} d'assistant de service social"),), switched=True),
    Profession("44", 1.5, 0.93, _H, 0.1, 0.3, "social.mssante.fr",
               (("DE44", f"{_DE} de conseiller en économie sociale et familiale"),)),
    Profession("49", 2, 0.95, _H, 0.05, 0.3, "social.mssante.fr", (("DE49", f"{_DE} d'éducateur de jeunes enfants"),)),
    Profession("51", 8, 0.7, _H, 0.08, 0.3, "social.mssante.fr", (("DE51", f"{_DE} d'éducateur spécialisé"),)),
    Profession("53", 2, 0.85, _H, 0.03, 0.3, "social.mssante.fr",
               (("DE53", f"{_DE} d'accompagnant éducatif et social"),)),
)  # fmt: skip

LABELS = tuple(nomenclature.label("profession", p.code) for p in PROFESSIONS)
STUDENT_LABELS = tuple(nomenclature.codes("student_profession").get(p.code, "") for p in PROFESSIONS)
PROFESSION_CUMULATED = np.cumsum([p.weight for p in PROFESSIONS])

_TYPE_LABELS = {**nomenclature.codes("expertise_type"), "SST": "Formation spécialisée transversale"}
_MAIN_WEIGHTS = {  # thousands of doctors per ordinal specialty; the others 0.25 each
    "SM54": 62, "SM26": 33, "SM53": 6, "SM02": 11.5, "SM42": 15, "SM40": 8, "SM44": 8.5, "SM04": 7.2, "SM38": 6,
    "SM20": 5, "SM15": 3.8, "SM24": 3.9, "SM25": 4.8, "SM34": 2.8, "SM08": 3.4, "SM14": 2.6, "SM48": 2.6, "SM41": 3.1,
    "SM32": 2.9, "SM18": 2.6, "SM01": 1.6, "SM03": 3, "SM59": 3, "SM49": 1.8, "SM29": 2, "SM30": 1.7, "SM16": 2.1,
    "SM12": 1.3, "SM27": 2.6, "SM46": 1.4, "SM36": 1.2, "SM13": 0.8, "SM10": 1, "SM19": 1, "SM45": 0.9, "SM58": 0.8,
    "SM05": 3, "SM43": 1.6,
}  # fmt: skip
_ALONE = {"40": ("SCD01", "SCD02", "SCD03"), "60": ("SI01", "SI02", "SI03", "SI04", "SI05"),
          "21": ("FQ01", "FQ02", "FQ04", "SM03", "SM63")}  # fmt: skip
ALONE_SHARE = {"40": 0.1, "60": 0.008, "21": 0.25}  # people of those professions with a savoir-faire


@dataclass(frozen=True)
class ExpertiseTable:
    """Savoir-faire: ``columns`` as in the extracts (type code, type label, code, label); draws by profession."""

    codes: tuple[str, ...]
    columns: tuple[str, ...]
    ordinal: tuple[bool, ...]  # a specialty, repeated on every activity row; the others are in their own file only

    def draw_main(self, rng: np.random.Generator, code: str, size: int) -> Ints:
        """An ordinal specialty for doctors, else what the profession may hold."""
        weights = np.array([_weight(code, c) for c in self.codes])
        return draw(rng, weights.cumsum(), size)

    def draw_other(self, rng: np.random.Generator, size: int) -> Ints:
        """A competence, capacity, DESC… of a doctor; now and then a second ordinal specialty."""
        weights = np.array(
            [0.4 if c.startswith("SM") else 0.0 if c[:2] in ("SC", "SI", "FQ") else 1 for c in self.codes]
        )
        return draw(rng, weights.cumsum(), size)


def _weight(profession: str, code: str) -> float:
    if profession != "10":
        return float(code in _ALONE[profession])
    return _MAIN_WEIGHTS.get(code, 0.25) if code.startswith("SM") else 0.0


@cache
def expertises() -> ExpertiseTable:
    codes, columns = [], []
    for code, shown in nomenclature.codes("expertise").items():
        kind = "SST" if code.startswith("SST") else nomenclature.expertise_type(code)
        codes.append(code)
        columns.append(f"{kind}|{_TYPE_LABELS.get(kind, '')}|{code}|{shown}")
    return ExpertiseTable(tuple(codes), tuple(columns), tuple(c.startswith(("S|", "CEX|", "PAC|")) for c in columns))
