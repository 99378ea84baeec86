"""The open RPPS extracts (*PS_LibreAcces*): captions of Personne_activite, Dipl_AutExerc and SavoirFaire.  PURE.

Personne_activite has 56 columns today, 52 and a trailing ``|`` in 2021, 48 in 2018: only what a record cannot do
without is required.
"""

from __future__ import annotations

from importers.rows import Field, Layout


def _field(name: str, *captions: str, required: bool = False) -> Field:
    return Field(name, captions, required)


IDS = (
    _field("id_type", "Type d'identifiant PP", "Type identifiant PP", required=True),
    _field("id", "Identifiant PP", required=True),
    _field("national_id", "Identification nationale PP"),
)
NAMES = (
    _field("family_name", "Nom d'exercice", required=True),
    _field("given_names", "Prénom d'exercice", "Prénoms d'exercice", required=True),
)
PROFESSION = (
    _field("profession_code", "Code profession", required=True),
    _field("profession", "Libellé profession"),
    _field("category_code", "Code catégorie professionnelle"),
    _field("category", "Libellé catégorie professionnelle"),
)
EXPERTISE_FIELDS = (
    _field("expertise_type_code", "Code type savoir-faire"),
    _field("expertise_type", "Libellé type savoir-faire"),
    _field("expertise_code", "Code savoir-faire"),
    _field("expertise", "Libellé savoir-faire"),
)
TITLES = (
    _field("title_code", "Code civilité d'exercice"),
    _field("title", "Libellé civilité d'exercice"),
)
STRUCTURE = (
    _field("siret", "Numéro SIRET site", "SIRET"),
    _field("siren", "Numéro SIREN site", "SIREN"),
    _field("finess", "Numéro FINESS site", "FINESS site"),
    _field("finess_legal", "Numéro FINESS établissement juridique", "FINESS établissement juridique", "FINESS EJ"),
    _field("technical_id", "Identifiant technique de la structure", "Identifiant structure"),
    _field("name", "Raison sociale site", "Raison sociale"),
    _field("trade_name", "Enseigne commerciale site", "Enseigne commerciale", "Enseigne"),
    _field("recipient", "Complément destinataire (coord. structure)"),
    _field("point", "Complément point géographique (coord. structure)", "Complément point géo"),
    _field("number", "Numéro Voie (coord. structure)"),
    _field("repetition", "Indice répétition voie (coord. structure)", "Indice rep", "Indice répétition"),
    _field("street_type_code", "Code type de voie (coord. structure)"),
    _field("street_type", "Libellé type de voie (coord. structure)"),
    _field("street_name", "Libellé Voie (coord. structure)"),
    _field("distribution", "Mention distribution (coord. structure)"),
    _field("cedex", "Bureau cedex (coord. structure)"),
    _field("postcode", "Code postal (coord. structure)"),
    _field("city_code", "Code commune (coord. structure)"),
    _field("city", "Libellé commune (coord. structure)"),
    _field("country_code", "Code pays (coord. structure)"),
    _field("country", "Libellé pays (coord. structure)"),
    _field("phone", "Téléphone (coord. structure)", "Tel"),
    _field("phone2", "Téléphone 2 (coord. structure)", "Tel2", "Téléphone2"),
    _field("fax", "Télécopie (coord. structure)"),
    _field("email", "Adresse e-mail (coord. structure)", "E-mail", "Adresse email"),
)

ACTIVITY = Layout(
    id="rpps.activity",
    title="personnes et activités (PS_LibreAcces_Personne_activite)",
    key=("id_type", "id"),
    fields=(
        *IDS,
        *TITLES,
        _field("civility_code", "Code civilité"),
        _field("civility", "Libellé civilité"),
        *NAMES,
        *PROFESSION,
        *EXPERTISE_FIELDS,
        _field("mode_code", "Code mode exercice"),
        _field("mode", "Libellé mode exercice"),
        *(Field(f.name, f.captions, f.name == "technical_id") for f in STRUCTURE),
        _field("department_code", "Code Département (structure)"),
        _field("department", "Libellé Département (structure)"),
        _field("former_id", "Ancien identifiant de la structure"),
        _field("authority", "Autorité d'enregistrement"),
        _field("sector_code", "Code secteur d'activité"),
        _field("sector", "Libellé secteur d'activité"),
        _field("section_code", "Code section tableau pharmaciens"),
        _field("section", "Libellé section tableau pharmaciens"),
        _field("role_code", "Code rôle"),
        _field("role", "Libellé rôle"),
        _field("kind_code", "Code genre activité"),
        _field("kind", "Libellé genre activité"),
    ),
)

DIPLOMA = Layout(
    id="rpps.diploma",
    title="diplômes et autorisations d'exercice (PS_LibreAcces_Dipl_AutExerc)",
    key=("id_type", "id"),
    fields=(
        *IDS,
        *NAMES,
        _field("diploma_type_code", "Code type diplôme obtenu"),
        _field("diploma_type", "Libellé type diplôme obtenu"),
        _field("diploma_code", "Code diplôme obtenu", required=True),
        _field("diploma", "Libellé diplôme obtenu"),
        _field("authorization_type_code", "Code type autorisation"),
        _field("authorization_type", "Libellé type autorisation"),
        _field("authorization_code", "Code discipline autorisation"),
        _field("authorization", "Libellé discipline autorisation"),
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
