"""Operating system errors as domain errors, for the embedded file store."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from services.errors import BackendMisconfigured, BackendUnavailable, ServiceError, StorageFull

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMLINK}
_MISCONFIGURED = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENOLCK,
}


def domain_error(error: OSError, doing: str) -> ServiceError:
    """The domain error for ``error``; its ``detail`` names the file and what was being done with it."""
    detail = f"{doing}: {error}"
    if error.errno in _FULL:
        return StorageFull(detail=detail)
    if error.errno in _MISCONFIGURED:
        return BackendMisconfigured(detail=detail)
    return BackendUnavailable(detail=detail)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn every ``OSError`` of the block into a domain error."""
    try:
        yield
    except OSError as error:
        raise domain_error(error, doing) from error
