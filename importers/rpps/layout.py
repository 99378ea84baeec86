"""The open RPPS extracts (*PS_LibreAcces*): captions of Personne_activite, Dipl_AutExerc and SavoirFaire.  PURE.

Personne_activite has 56 columns today, 52 and a trailing ``|`` in 2021, 48 in 2018: only what a record cannot do
without is required.
"""

from __future__ import annotations

from importers.rows import Field, Layout, column

IDS = (
    column("id_type", "Type d'identifiant PP", "Type identifiant PP", required=True),
    column("id", "Identifiant PP", required=True),
    column("national_id", "Identification nationale PP"),
)
NAMES = (
    column("family_name", "Nom d'exercice", required=True),
    column("given_names", "Prénom d'exercice", "Prénoms d'exercice", required=True),
)
PROFESSION = (
    column("profession_code", "Code profession", required=True),
    column("profession", "Libellé profession"),
    column("category_code", "Code catégorie professionnelle"),
    column("category", "Libellé catégorie professionnelle"),
)
EXPERTISE_FIELDS = (
    column("expertise_type_code", "Code type savoir-faire"),
    column("expertise_type", "Libellé type savoir-faire"),
    column("expertise_code", "Code savoir-faire"),
    column("expertise", "Libellé savoir-faire"),
)
TITLES = (
    column("title_code", "Code civilité d'exercice"),
    column("title", "Libellé civilité d'exercice"),
)
STRUCTURE = (
    column("siret", "Numéro SIRET site", "SIRET"),
    column("siren", "Numéro SIREN site", "SIREN"),
    column("finess", "Numéro FINESS site", "FINESS site"),
    column("finess_legal", "Numéro FINESS établissement juridique", "FINESS établissement juridique", "FINESS EJ"),
    column("technical_id", "Identifiant technique de la structure", "Identifiant structure"),
    column("name", "Raison sociale site", "Raison sociale"),
    column("trade_name", "Enseigne commerciale site", "Enseigne commerciale", "Enseigne"),
    column("recipient", "Complément destinataire (coord. structure)"),
    column("point", "Complément point géographique (coord. structure)", "Complément point géo"),
    column("number", "Numéro Voie (coord. structure)"),
    column("repetition", "Indice répétition voie (coord. structure)", "Indice rep", "Indice répétition"),
    column("street_type_code", "Code type de voie (coord. structure)"),
    column("street_type", "Libellé type de voie (coord. structure)"),
    column("street_name", "Libellé Voie (coord. structure)"),
    column("distribution", "Mention distribution (coord. structure)"),
    column("cedex", "Bureau cedex (coord. structure)"),
    column("postcode", "Code postal (coord. structure)"),
    column("city_code", "Code commune (coord. structure)"),
    column("city", "Libellé commune (coord. structure)"),
    column("country_code", "Code pays (coord. structure)"),
    column("country", "Libellé pays (coord. structure)"),
    column("phone", "Téléphone (coord. structure)", "Tel"),
    column("phone2", "Téléphone 2 (coord. structure)", "Tel2", "Téléphone2"),
    column("fax", "Télécopie (coord. structure)"),
    column("email", "Adresse e-mail (coord. structure)", "E-mail", "Adresse email"),
)

ACTIVITY = Layout(
    id="rpps.activity",
    title="personnes et activités (PS_LibreAcces_Personne_activite)",
    key=("id_type", "id"),
    fields=(
        *IDS,
        *TITLES,
        column("civility_code", "Code civilité"),
        column("civility", "Libellé civilité"),
        *NAMES,
        *PROFESSION,
        *EXPERTISE_FIELDS,
        column("mode_code", "Code mode exercice"),
        column("mode", "Libellé mode exercice"),
        *(Field(f.name, f.captions, f.name == "technical_id") for f in STRUCTURE),
        column("department_code", "Code Département (structure)"),
        column("department", "Libellé Département (structure)"),
        column("former_id", "Ancien identifiant de la structure"),
        column("authority", "Autorité d'enregistrement"),
        column("sector_code", "Code secteur d'activité"),
        column("sector", "Libellé secteur d'activité"),
        column("section_code", "Code section tableau pharmaciens"),
        column("section", "Libellé section tableau pharmaciens"),
        column("role_code", "Code rôle"),
        column("role", "Libellé rôle"),
        column("kind_code", "Code genre activité"),
        column("kind", "Libellé genre activité"),
    ),
)

DIPLOMA = Layout(
    id="rpps.diploma",
    title="diplômes et autorisations d'exercice (PS_LibreAcces_Dipl_AutExerc)",
    key=("id_type", "id"),
    fields=(
        *IDS,
        *NAMES,
        column("diploma_type_code", "Code type diplôme obtenu"),
        column("diploma_type", "Libellé type diplôme obtenu"),
        column("diploma_code", "Code diplôme obtenu", required=True),
        column("diploma", "Libellé diplôme obtenu"),
        column("authorization_type_code", "Code type autorisation"),
        column("authorization_type", "Libellé type autorisation"),
        column("authorization_code", "Code discipline autorisation"),
        column("authorization", "Libellé discipline autorisation"),
    ),
)

EXPERTISE = Layout(
    id="rpps.expertise",
    title="savoir-faire (PS_LibreAcces_SavoirFaire)",
    key=("id_type", "id"),
    fields=(
        *IDS,
        *NAMES,
        *PROFESSION,
        *(Field(f.name, f.captions, f.name == "expertise_code") for f in EXPERTISE_FIELDS),
    ),
)
