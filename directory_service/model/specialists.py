"""What those who practise a specialty are called: common French usage, not a nomenclature.  PURE.

For a code that is not listed the profession stands.
"""

from __future__ import annotations

from typing import Final

# Ordinal specialties (TRE_R38, TRE_R01) ► the name of those who practise them.
_SPECIALISTS: Final = {
    "Anatomopathologiste": ("SM01",),
    "Anesthésiste-réanimateur": ("SM02", "SM76"),
    "Biologiste médical": ("SM03", "SM63", "SM64", "SM65", "SM66", "SM67"),
    "Cardiologue": ("SM04", "SM73", "SM79", "SM80", "SM81"),
    "Chirurgien": ("SM05",),
    "Chirurgien maxillo-facial": ("SM06", "SM07", "SM68", "SM77"),
    "Chirurgien orthopédiste": ("SM08",),
    "Chirurgien pédiatrique": ("SM09", "SM69", "SM70"),
    "Chirurgien plasticien": ("SM10",),
    "Chirurgien thoracique et cardio-vasculaire": ("SM11",),
    "Urologue": ("SM12", "CEX64"),
    "Chirurgien vasculaire": ("SM13",),
    "Chirurgien viscéral": ("SM14", "SM78"),
    "Dermatologue": ("SM15",),
    "Endocrinologue": ("SM16", "SM62"),
    "Généticien": ("SM17",),
    "Gériatre": ("SM18",),
    "Gynécologue": ("SM19", "CEX24"),
    "Gynécologue-obstétricien": ("SM20", "SM51", "SM52", "CEX22"),
    "Hématologue": ("SM21", "SM22", "SM23", "SM71"),
    "Gastro-entérologue": ("SM24",),
    "Médecin du travail": ("SM25",),
    "Médecin généraliste": ("SM26", "SM53", "SM54"),
    "Interniste": ("SM27", "SM72"),
    "Médecin nucléaire": ("SM28",),
    "Médecin de réadaptation": ("SM29",),
    "Néphrologue": ("SM30", "SM83"),
    "Neurochirurgien": ("SM31",),
    "Neurologue": ("SM32", "SM84"),
    "Neuropsychiatre": ("SM33",),
    "ORL": ("SM34", "SM39", "SM86"),
    "Oncologue": ("SM35", "SM36", "SM37"),
    "Ophtalmologue": ("SM38", "SM85"),
    "Pédiatre": ("SM40", "SM87", "SM88", "SM89", "SM90"),
    "Pneumologue": ("SM41", "SM91"),
    "Psychiatre": ("SM42", "SM93"),
    "Pédopsychiatre": ("SM43", "SM92"),
    "Radiologue": ("SM44", "SM55", "SM74", "SM94"),
    "Radiothérapeute": ("SM45",),
    "Réanimateur": ("SM46", "SM82"),
    "Rhumatologue": ("SM48",),
    "Médecin de santé publique": ("SM49", "SM75", "SM95"),
    "Stomatologue": ("SM50",),
    "Chirurgien oral": ("SM56", "SCD02"),
    "Allergologue": ("SM57",),
    "Infectiologue": ("SM58",),
    "Urgentiste": ("SM59",),
    "Médecin légiste": ("SM60",),
    "Angiologue": ("SM61",),
    "Orthodontiste": ("SCD01",),
}
SPECIALISTS: Final = {code: noun for noun, codes in _SPECIALISTS.items() for code in codes}
