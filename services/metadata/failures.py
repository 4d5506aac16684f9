"""Where the errors of SQLAlchemy, sqlite3 and psycopg end: each becomes one of ``services.errors``.

``detail`` of the error made here is for the log: the driver's own words and code, without parameters or passwords.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from services.errors import (
    BackendError,
    BackendMisconfigured,
    BackendUnavailable,
    InvalidInput,
    ServiceError,
    StorageFull,
)

# https://www.sqlite.org/rescode.html
_SQLITE_FULL = {sqlite3.SQLITE_FULL}
_SQLITE_NO_ROOM_TO_WRITE = {
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_DIR_FSYNC,
    sqlite3.SQLITE_IOERR_TRUNCATE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_SHMMAP,
}
_SQLITE_MISCONFIGURED = {
    sqlite3.SQLITE_ERROR,  # no such table or column: migrations did not run
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_NOTADB,
}

# https://www.postgresql.org/docs/current/errcodes-appendix.html, by class, then by whole code
_POSTGRES_CLASSES: dict[str, type[ServiceError]] = {
    "28": BackendMisconfigured,  # invalid authorization
    "3D": BackendMisconfigured,  # no such database
    "3F": BackendMisconfigured,  # no such schema
    "42": BackendMisconfigured,  # no such table, no privilege
    "0A": BackendMisconfigured,  # feature not supported
    "54": InvalidInput,  # a value of more bytes than an index entry may have
}
_POSTGRES_CODES: dict[str, type[ServiceError]] = {
    "25006": BackendMisconfigured,  # read-only transaction
    "53100": StorageFull,
}
# While connecting, psycopg has only libpq's text and no code.
_POSTGRES_REFUSALS = (
    "authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "permission denied",
    "does not exist",
    "invalid connection option",
)


@contextmanager
def translated(integrity: type[BackendError] | None = None) -> Iterator[None]:
    """Run a step of the database and raise only ``services.errors`` from it.

    ``integrity`` is the class that a violated constraint becomes; it is the step that knows what the violation means.
    """
    try:
        yield
    except exc.IntegrityError as error:
        raise (integrity or ServiceError)(detail=_words(error)) from error
    except sqlite3.IntegrityError as error:
        raise (integrity or ServiceError)(detail=_words(error)) from error
    except (exc.SQLAlchemyError, sqlite3.Error) as error:
        raise domain_error(error) from error
    except (UnicodeEncodeError, OverflowError) as error:
        # sqlite3 and psycopg raise these as they are: a lone surrogate, an integer of more than 64 bits
        raise InvalidInput(detail=f"{type(error).__name__}: a value does not fit its column") from error


def domain_error(error: exc.SQLAlchemyError | sqlite3.Error) -> ServiceError:
    """The domain error that says what ``error`` means, with what the log needs in ``detail``."""
    return _meaning(error)(detail=_words(error))


def _meaning(error: exc.SQLAlchemyError | sqlite3.Error) -> type[ServiceError]:
    if isinstance(error, sqlite3.Error):
        return _sqlite_meaning(error)
    if isinstance(error, exc.DataError):
        return InvalidInput
    if isinstance(error, exc.DBAPIError):
        if isinstance(error.orig, sqlite3.Error):
            return _sqlite_meaning(error.orig)
        return _postgres_meaning(error)
    if isinstance(error, exc.TimeoutError):
        return BackendUnavailable
    return ServiceError


def _sqlite_meaning(error: sqlite3.Error) -> type[ServiceError]:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return BackendUnavailable
    if code in _SQLITE_FULL or code in _SQLITE_NO_ROOM_TO_WRITE:
        return StorageFull
    return BackendMisconfigured if code & 0xFF in _SQLITE_MISCONFIGURED else BackendUnavailable


def _postgres_meaning(error: exc.DBAPIError) -> type[ServiceError]:
    state: str | None = getattr(error.orig, "sqlstate", None)
    if state:
        return _POSTGRES_CODES.get(state) or _POSTGRES_CLASSES.get(state[:2]) or BackendUnavailable
    text = str(error.orig)
    return BackendMisconfigured if any(words in text for words in _POSTGRES_REFUSALS) else BackendUnavailable


def _words(error: exc.SQLAlchemyError | sqlite3.Error) -> str:
    # Never SQLAlchemy's words, which quote the statement, nor PostgreSQL's DETAIL, which quotes values.
    origin = error if isinstance(error, sqlite3.Error) else getattr(error, "orig", None)
    if origin is None:
        return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    code = getattr(origin, "sqlite_errorname", None) or getattr(origin, "sqlstate", None) or ""
    primary = getattr(getattr(origin, "diag", None), "message_primary", None) or str(origin)
    return " ".join(f"{type(origin).__name__} {code}: {primary}".split("\n", 1)[0].split())
