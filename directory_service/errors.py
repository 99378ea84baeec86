"""The one tree of errors, split by whose fault it is.

Each class carries the LDAP result code (RFC 4511 Appendix A), the HTTP status and the exit code of the command line
(contract.md) that its occurrence gives, so that no face has to decide.  Messages are written in French, since staff
and practitioners read them; they never hold a secret, a person's name or the text of a query.
A bad row of an extract is not an error but a value (``importers.rows.Rejection``).
"""

from __future__ import annotations

import errno
from typing import ClassVar


class AnnuaireError(Exception):
    """Root of everything we raise on purpose; on its own, an internal fault."""

    ldap_code: ClassVar[int] = 80  # other
    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1
    slug: ClassVar[str] = "internal"  # last part of the RFC 9457 ``type``

    def __init__(self, message: str, *, where: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where  # byte offset, or file, line and column: whatever lets the reader find it

    def __str__(self) -> str:
        return f"{self.where} : {self.message}" if self.where else self.message


class InvalidInput(AnnuaireError):
    """The caller's text is not of the form asked for; ``where`` says at which offset, row or column."""

    ldap_code = 2  # protocolError
    http_status = 400
    exit_code = 2
    slug = "invalid-input"


class NotFound(AnnuaireError):
    """Nothing of that name, or nothing that this caller may see: the two are the same answer.  ``suggestions``: what
    there is, and may have been meant."""

    ldap_code = 32  # noSuchObject
    http_status = 404
    exit_code = 4
    slug = "not-found"

    def __init__(self, message: str, *, where: str | None = None, suggestions: tuple[str, ...] = ()) -> None:
        super().__init__(message, where=where)
        self.suggestions = suggestions


class Forbidden(AnnuaireError):
    """The caller is known well enough to be told no."""

    ldap_code = 50  # insufficientAccessRights
    http_status = 403
    exit_code = 4
    slug = "forbidden"


class Conflict(AnnuaireError):
    """Something that was decided, or is under way, stands in the way."""

    http_status = 409
    exit_code = 3
    slug = "conflict"


class Gone(AnnuaireError):
    """It was there and is closed: what was asked needs it open."""

    http_status = 410
    exit_code = 4
    slug = "gone"


class PreconditionFailed(AnnuaireError):
    """It is not, or no longer, in the state that the caller supposed.  Nothing was written."""

    http_status = 412
    exit_code = 3
    slug = "precondition-failed"


class LimitExceeded(AnnuaireError):
    """A documented limit was met (time, size, candidates); the message names the limit."""

    ldap_code = 11  # adminLimitExceeded
    http_status = 422
    exit_code = 1
    slug = "limit-exceeded"


class TooManyRequests(AnnuaireError):
    """The caller asks more often than a limit allows; ``retry_after`` is in seconds."""

    ldap_code = 51  # busy
    http_status = 429
    exit_code = 5
    slug = "too-many-requests"

    def __init__(self, message: str, *, retry_after: int, where: str | None = None) -> None:
        super().__init__(message, where=where)
        self.retry_after = retry_after


class TooManyAttempts(TooManyRequests):
    """Too many wrong secrets, of one name or from one address: the next ones wait, right or wrong."""

    slug = "too-many-attempts"


class BudgetSpent(TooManyRequests):
    """The caller was given as many different records as one may have in a day."""

    ldap_code = 11  # adminLimitExceeded
    slug = "budget-spent"


class CursorExpired(AnnuaireError):
    """What came after this place of a feed is kept no more: whoever follows must begin again from a whole export."""

    http_status = 410
    exit_code = 2
    slug = "cursor-expired"


class ImportRefused(AnnuaireError):
    """A whole file cannot be trusted: says what was expected, what was seen and where.  Nothing was written."""

    http_status = 422
    exit_code = 3
    slug = "import-refused"


class UndoRefused(AnnuaireError):
    """A run cannot be taken back as asked: says what stands in the way and how to go on.  Nothing was written."""

    http_status = 409
    exit_code = 3
    slug = "undo-refused"


class CircuitBreaker(ImportRefused):
    """An import is sound in form but its impact passes a threshold that a person must accept by name.  ``report``:
    what it would have done (``importers.report.ImportReport``)."""

    exit_code = 6
    slug = "circuit-breaker"

    def __init__(self, message: str, *, where: str | None = None, report: object = None) -> None:
        super().__init__(message, where=where)
        self.report = report


class RegistryUnavailable(AnnuaireError):
    """The registry, the index or a server we need does not answer, or was never created.  ``hint``: what whoever runs
    the service may look at, which is nothing to clients of its faces: these are told the message alone."""

    ldap_code = 52  # unavailable
    http_status = 503
    exit_code = 5
    slug = "unavailable"

    def __init__(self, message: str, *, where: str | None = None, hint: str = "") -> None:
        super().__init__(message, where=where)
        self.hint = hint

    def __str__(self) -> str:
        return f"{super().__str__()} : {self.hint}" if self.hint else super().__str__()


class RegistryBusy(RegistryUnavailable):
    """Another import or rollback is at work; the message says whose."""

    ldap_code = 51  # busy
    slug = "busy"


_REASONS: dict[type[OSError], str] = {
    FileNotFoundError: "ce fichier n'existe pas",
    PermissionError: "ce compte n'a pas le droit de le lire",
    IsADirectoryError: "c'est un dossier",
}


_DENIED: dict[int, str] = {
    errno.EACCES: "ce compte n'y a pas accès",
    errno.EPERM: "ce compte n'y a pas accès",
    errno.EROFS: "ce système de fichiers est en lecture seule",
    errno.ENOENT: "ce chemin n'existe pas",
    errno.ENOTDIR: "ce n'est pas un dossier",
    errno.EEXIST: "il existe déjà, et n'est pas un dossier",
    errno.EISDIR: "c'est un dossier",
}
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # what a disk says that takes no more
_FULL = "le disque est plein, ou abîmé"


def denied(error: OSError) -> AnnuaireError | None:
    """What the system refuses of a path that somebody chose, or a disk that is full; None for any other fault."""
    if error.errno in FULL:
        return RegistryUnavailable(_FULL, where=error.filename)
    why = _DENIED.get(error.errno or 0) if error.filename else None
    return InvalidInput(why, where=str(error.filename)) if why else None


_OF_DISKS = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR", "SQLITE_CANTOPEN")


def damaged(error: BaseException) -> AnnuaireError | None:
    """An index whose file was damaged or taken away, as SQLite meets it in any statement; None for any other fault.
    The registry's are told apart from it, where they arise (``registry.failures``)."""
    if not getattr(error, "sqlite_errorname", "").startswith(_OF_DISKS):
        return None
    return unreadable()


def unreadable() -> RegistryUnavailable:
    """An index that is damaged, and what to do."""
    return RegistryUnavailable("l'index est illisible : lancez `annuaire index --rebuild`")


def unread(error: OSError) -> str:
    """Why a file cannot be read, with its name."""
    return f"{error.filename} : {why_unread(error)}"


def why_unread(error: OSError) -> str:
    return next((text for kind, text in _REASONS.items() if isinstance(error, kind)), "lecture impossible")


_NO_PORT: dict[int, str] = {
    errno.EADDRINUSE: "un autre programme l'occupe",
    errno.EADDRNOTAVAIL: "cette machine n'a pas cette adresse",
    errno.EACCES: "ce compte n'a pas le droit d'ouvrir un port inférieur à 1024",
}


def why_no_port(error: OSError) -> str:
    """Why nobody can listen there."""
    if (error.errno or 0) < 0:  # getaddrinfo's own
        return "cette adresse est inconnue"
    return _NO_PORT.get(error.errno or 0) or str(error.strerror)


def why_unwritten(error: OSError) -> str:
    return _FULL if error.errno in FULL else _DENIED.get(error.errno or 0, "écriture impossible")
