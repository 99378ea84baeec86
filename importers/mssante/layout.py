"""The MSSanté correspondence extract (*Extraction_Correspondance_MSSante*): one line per address and holder.  PURE.

No date and no stable id: the address is the key.  The captions of the structure part carry `` structure BAL`` or not,
and ``NL4TYPEVOIE`` is spelt so (formats.md §1).
"""

from __future__ import annotations

from importers.rows import Layout, column

MAILBOXES = Layout(
    id="mssante.mailboxes",
    title="correspondance MSSanté (Extraction_Correspondance_MSSante)",
    key=("address",),
    fields=(
        column("type", "Type de BAL", required=True),
        column("address", "Adresse BAL", required=True),
        column("id_type", "Type Identifiant PP", "Type d'identifiant PP"),
        column("id", "Identifiant PP"),
        column("national_id", "Identification nationale PP", required=True),
        column("place_type", "Type identifiant structure", required=True),
        column("place_id", "Identification Structure", "Identification de la structure", required=True),
        column("service", "Service de rattachement"),
        column("title", "Civilité d'exercice"),
        column("family_name", "Nom d'exercice", required=True),
        column("given_names", "Prénom d'exercice", required=True),
        column("category_code", "Catégorie profession"),
        column("category", "Libellé de catégorie profession"),
        column("profession_code", "Code Profession"),
        column("profession", "Libellé Profession"),
        column("expertise_code", "Code savoir-faire"),
        column("expertise", "Libellé savoir-faire"),
        column("paperless", "Dématérialisation"),
        column("name", "Raison Sociale structure BAL"),
        column("trade_name", "Enseigne commerciale structure BAL"),
        column("point", "L2COMPLEMENTLOCALISATION structure BAL"),
        column("recipient", "L3COMPLEMENTDISTRIBUTION structure BAL"),
        column("number", "L4NUMEROVOIE structure BAL"),
        column("repetition", "L4COMPLEMENTNUMEROVOIE structure BAL"),
        column("street_type", "NL4TYPEVOIE structure BAL", "L4TYPEVOIE structure BAL"),
        column("street_name", "L4LIBELLEVOIE structure BAL"),
        column("distribution", "L5LIEUDITMENTION structure BAL"),
        column("cedex", "L6LIGNEACHEMINEMENT structure BAL"),
        column("postcode", "Code postal structure BAL"),
        column("department", "Département structure BAL"),
        column("country", "Pays structure BAL"),
    ),
)
