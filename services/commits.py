"""Making a row follow an object version that is already durable, against concurrent writers and lost answers."""

from __future__ import annotations

from collections.abc import Callable

from services.errors import BackendError, BackendUnavailable, ImageNotFound, VersionConflict
from services.models import Image
from services.ports import ImageRepository

MAX_ATTEMPTS = 20


def add_image(repository: ImageRepository, image: Image) -> Image:
    """Add a new image's row; a lost answer is looked up before it counts as a failure."""
    try:
        repository.add(image)
    except BackendUnavailable:
        if not _happened(repository, image):
            raise
    return image


def replace_current(repository: ImageRepository, image_id: str, change: Callable[[Image], Image]) -> Image:
    """Append a version to an image, as the last writer.

    :param change: from the image's present state to its next one, whose ``current`` is the new version; it may refuse
        by raising. It is called again, with the newer state, each time somebody else commits in between.
    :returns: the image as it now is.
    :raises ImageNotFound: when there is no such image.
    :raises BackendUnavailable: when the database fails, or others keep winning.
    """
    for _ in range(MAX_ATTEMPTS):
        base = repository.get(image_id)
        if base is None:
            raise ImageNotFound
        changed = change(base)
        try:
            repository.replace(changed, expected_version_id=base.current.version_id)
        except VersionConflict:
            continue
        except BackendUnavailable:
            if not _happened(repository, changed):
                raise
        return changed
    raise BackendUnavailable(detail=f"gave up on {image_id} after {MAX_ATTEMPTS} conflicting writes")


def _happened(repository: ImageRepository, image: Image) -> bool:
    # The connection may break between the database's commit and its answer. Undoing the object then would leave a row
    # without bytes, so the row itself is asked.
    try:
        return repository.version(image.image_id, image.current.version_id) is not None
    except BackendError:
        return False
