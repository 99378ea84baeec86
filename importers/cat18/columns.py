"""Columns of ``ExtractionMonoTable_CAT18_ToutePopulation`` (2016-2018): (field key, caption), in the file's order.

Keys, order and captions were read from the notes of public readers of the file, and no file was found to hold them
against: match captions folded, by name.
"""

from __future__ import annotations

CAT18_COLUMNS: tuple[tuple[str, str], ...] = (
    ("type_identifiant_pp", "Type d'identifiant PP"),
    ("identifiant_pp", "Identifiant PP"),
    ("identification_nationale_pp", "Identification nationale PP"),
    ("code_civilite_exercice", "Code civilité exercice"),
    ("libelle_civilite_exercice", "Libellé civilité exercice"),
    ("nom_exercice", "Nom d'exercice"),
    ("prenom_exercice", "Prénom d'exercice"),
    ("code_profession", "Code profession"),
    ("libelle_profession", "Libellé profession"),
    ("code_categorie_professionnelle", "Code catégorie professionnelle"),
    ("libelle_categorie_professionnelle", "Libellé catégorie professionnelle"),
    ("code_savoir_faire", "Code savoir-faire"),
    ("libelle_savoir_faire", "Libellé savoir-faire"),
    ("code_type_savoir_faire", "Code type savoir-faire"),
    ("libelle_type_savoir_faire", "Libellé type savoir-faire"),
    ("siret", "Numéro SIRET site"),
    ("siren", "Numéro SIREN site"),
    ("finess_site", "Numéro FINESS site"),
    ("finess_ej", "Numéro FINESS établissement juridique"),
    ("raison_sociale", "Raison sociale site"),
    ("enseigne", "Enseigne commerciale site"),
    ("identifiant_structure", "Identifiant structure"),
    ("complement_destinataire", "Complément destinataire (coord. structure)"),
    ("complement_point_geo", "Complément point géographique (coord. structure)"),
    ("numero_voie", "Numéro Voie (coord. structure)"),
    ("indice_rep", "Indice répétition voie (coord. structure)"),
    ("code_type_voie", "Code type de voie (coord. structure)"),
    ("libelle_type_voie", "Libellé type de voie (coord. structure)"),
    ("libelle_voie", "Libellé Voie (coord. structure)"),
    ("mention_distribution", "Mention distribution (coord. structure)"),
    ("bureau_cedex", "Bureau cedex (coord. structure)"),
    ("code_postal", "Code postal (coord. structure)"),
    ("code_commune", "Code commune (coord. structure)"),
    ("libelle_commune", "Libellé commune (coord. structure)"),
    ("code_pays", "Code pays (coord. structure)"),
    ("libelle_pays", "Libellé pays (coord. structure)"),
    ("tel", "Téléphone (coord. structure)"),
    ("tel2", "Téléphone 2 (coord. structure)"),
    ("telecopie", "Télécopie (coord. structure)"),
    ("e-mail", "Adresse e-mail (coord. structure)"),
    ("adresse_bal_mssante", "Adresse BAL MSSanté"),
)
