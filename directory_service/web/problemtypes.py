"""The problems that answers tell of, by their slugs, and the JSON that tells of one (RFC 9457).  Knows no request: the
command line tells the same of a line that does not read, and starts without what serves HTTP.
"""

from __future__ import annotations

from types import MappingProxyType

import orjson

# slug: (title, what the page of the problem says)
PROBLEMS = MappingProxyType(
    {
        "invalid-input": ("Requête mal formée", "Un paramètre n'a pas la forme attendue ; `where` dit lequel."),
        "not-found": ("Introuvable", "Rien ne porte ce nom dans l'annuaire, ou rien que vous puissiez voir."),
        "cursor-expired": ("Curseur expiré", "Ce qui a suivi n'est plus gardé : recommencez par un export complet."),
        "forbidden": ("Accès refusé", "Votre identité est connue, mais elle ne donne pas ce droit."),
        "bad-credentials": (
            "Authentification refusée",
            "Le secret, la clé ou le certificat présenté n'est à personne, ou la route est pour les opérateurs.",
        ),
        "conflict": ("Conflit", "Une décision de l'équipe, ou l'état de la boîte, s'y oppose ; `detail` dit quoi."),
        "gone": ("Boîte fermée", "La boîte est fermée : `PUT` la rouvre."),
        "precondition-failed": (
            "État inattendu",
            "Ce qui est demandé n'est pas dans l'état annoncé : relisez-le, puis réessayez.",
        ),
        "invalid-field": ("Champ refusé", "Un champ de la boîte n'est pas comme il doit être ; `where` le nomme."),
        "key-reused": (
            "Clé déjà employée",
            "Cette `Idempotency-Key` a servi à une autre requête : prenez-en une autre.",
        ),
        "key-in-use": (
            "Requête en cours",
            "La même requête, avec cette `Idempotency-Key`, est en cours : renvoyez-la après `Retry-After`.",
        ),
        "limit-exceeded": ("Limite atteinte", "La requête dépasse une limite documentée ; `detail` dit laquelle."),
        "too-many-requests": (
            "Trop de requêtes",
            "Cette adresse, ou ce compte, demande plus souvent que permis : `Retry-After` dit quand revenir. Une clé "
            "d'API relève les limites.",
        ),
        "too-many-attempts": (
            "Trop de tentatives",
            "Trop de secrets erronés ont été essayés, sous ce nom ou depuis cette adresse : attendez `Retry-After`.",
        ),
        "budget-spent": (
            "Quota de fiches atteint",
            "Cette adresse, ou ce compte, a reçu autant de fiches différentes qu'un jour en permet. Les accès par "
            "numéro et par adresse restent ouverts ; une clé d'API relève le quota.",
        ),
        "unavailable": (
            "Service indisponible",
            "L'index n'est pas encore construit ou est illisible, le registre ne répond pas, ou trop de corps arrivent "
            "à la fois. Réessayez.",
        ),
        "busy": ("Registre occupé", "Un autre travail écrit dans le registre. Réessayez après `Retry-After`."),
        "certificate-refused": (
            "Certificat refusé",
            "Le certificat se lit mais ne peut être publié ; `where` dit pourquoi.",
        ),
        "internal": ("Erreur interne", "L'erreur vient de notre côté ; le numéro d'incident permet de la retrouver."),
        "method-not-allowed": ("Méthode non permise", "Cette adresse existe, mais pas avec cette méthode HTTP."),
        "too-large": ("Corps trop grand", "Le corps de la requête dépasse la limite de cette route."),
        "range-not-satisfiable": ("Intervalle hors du fichier", "`Content-Range` dit la taille du fichier."),
        "unsupported-media-type": ("Type de corps inattendu", "Le corps doit être du type que cette route attend."),
        "bad-request": ("Requête refusée", "La requête HTTP est illisible."),
    }
)


def problem_body(
    slug: str,
    status: int,
    detail: str,
    where: str | None = None,
    build: str = "",
    suggestions: tuple[str, ...] = (),
) -> bytes:
    """The JSON document (RFC 9457 3.1), with our ``where``, ``suggestions`` and ``build`` members when there is
    something to say."""
    members = {"type": f"/problems/{slug}", "title": PROBLEMS.get(slug, PROBLEMS["internal"])[0], "status": status}
    extra = {"detail": detail, "where": where, "suggestions": suggestions, "build": build}
    return orjson.dumps(members | {name: value for name, value in extra.items() if value})
