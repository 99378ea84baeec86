"""The MSSanté correspondence extract (*Extraction_Correspondance_MSSante*): one line per address and holder.  PURE.

No date and no stable id: the address is the key.  The captions of the structure part carry `` structure BAL`` or not,
and ``NL4TYPEVOIE`` is spelt so (formats.md §1).
"""

from __future__ import annotations

from importers.rows import Field, Layout


def _field(name: str, *captions: str, required: bool = False) -> Field:
    return Field(name, captions, required)


MAILBOXES = Layout(
    id="mssante.mailboxes",
    title="correspondance MSSanté (Extraction_Correspondance_MSSante)",
    key=("address",),
    fields=(
        _field("type", "Type de BAL", required=True),
        _field("address", "Adresse BAL", required=True),
        _field("id_type", "Type Identifiant PP", "Type d'identifiant PP"),
        _field("id", "Identifiant PP"),
        _field("national_id", "Identification nationale PP", required=True),
        _field("place_type", "Type identifiant structure", required=True),
        _field("place_id", "Identification Structure", "Identification de la structure", required=True),
        _field("service", "Service de rattachement"),
        _field("title", "Civilité d'exercice"),
        _field("family_name", "Nom d'exercice", required=True),
        _field("given_names", "Prénom d'exercice", required=True),
        _field("category_code", "Catégorie profession"),
        _field("category", "Libellé de catégorie profession"),
        _field("profession_code", "Code Profession"),
        _field("profession", "Libellé Profession"),
        _field("expertise_code", "Code savoir-faire"),
        _field("expertise", "Libellé savoir-faire"),
        _field("paperless", "Dématérialisation"),
        _field("name", "Raison Sociale structure BAL"),
        _field("trade_name", "Enseigne commerciale structure BAL"),
        _field("point", "L2COMPLEMENTLOCALISATION structure BAL"),
        _field("recipient", "L3COMPLEMENTDISTRIBUTION structure BAL"),
        _field("number", "L4NUMEROVOIE structure BAL"),
        _field("repetition", "L4COMPLEMENTNUMEROVOIE structure BAL"),
        _field("street_type", "NL4TYPEVOIE structure BAL", "L4TYPEVOIE structure BAL"),
        _field("street_name", "L4LIBELLEVOIE structure BAL"),
        _field("distribution", "L5LIEUDITMENTION structure BAL"),
        _field("cedex", "L6LIGNEACHEMINEMENT structure BAL"),
        _field("postcode", "Code postal structure BAL"),
        _field("department", "Département structure BAL"),
        _field("country", "Pays structure BAL"),
    ),
)
