"""Making a row follow an object version that is already durable, against concurrent writers and lost answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

from services.errors import BackendError, BackendUnavailable, ImageNotFound, VersionConflict
from services.models import Image
from services.ports import ImageRepository, Repository

MAX_ATTEMPTS = 20


def add_image(repository: ImageRepository, image: Image) -> Image:
    """Add a new image's row; a lost answer is looked up before it counts as a failure."""
    try:
        repository.add(image)
    except BackendUnavailable:
        if not _happened(repository, image):
            raise
    return image


def promote_image(repository: Repository, image: Image) -> Image:
    """Turn the pending upload with ``image``'s id into ``image``; a lost answer is looked up as for ``add_image``.

    :raises VersionConflict: when the upload is pending no more.
    """
    try:
        repository.promote(image)
    except BackendUnavailable:
        if not _happened(repository, image):
            raise
    return image


def replace_current(repository: ImageRepository, image_id: str, change: Callable[[Image], Image]) -> Image:
    """Append a version to an image, as the last writer.

    :param change: from the image's present state to its next one, whose ``current`` is the new version; it may refuse
        by raising. It is called again, with the newer state, each time somebody else commits in between.
    :returns: the image as it now is; its ``current.created_at`` is later, in whole seconds, than the version's before.
    :raises ImageNotFound: when there is no such image.
    :raises BackendUnavailable: when the database fails, or others keep winning.
    """
    for base in _states(repository, image_id):
        changed = replace(_dated(base, change(base)), revision=base.revision + 1)
        try:
            repository.replace(changed, expected_revision=base.revision)
        except VersionConflict:
            continue
        except BackendUnavailable:
            if not _happened(repository, changed):
                raise
        return changed
    raise _gave_up(image_id)


def describe_current(repository: ImageRepository, image_id: str, change: Callable[[Image], Image]) -> Image:
    """Change what an image's row says beside its versions; arguments and errors as for ``replace_current``.

    A lost answer is reported as it is: asking again for the same description changes nothing more.
    """
    for base in _states(repository, image_id):
        changed = change(base)
        # A version that followed another fast is dated ahead: its image must not seem to grow older.
        updated = max(changed.updated_at, base.updated_at)
        changed = replace(changed, updated_at=updated, revision=base.revision + 1)
        try:
            repository.describe(changed, expected_revision=base.revision)
        except VersionConflict:
            continue
        return changed
    raise _gave_up(image_id)


def _dated(base: Image, changed: Image) -> Image:
    """``changed`` with a version at least a second later than ``base``'s, even if no clock says so.

    Last-Modified has whole seconds. Two versions within one would share it, and a client that sends the first one's
    date would keep old bytes or overwrite new ones unseen. It also keeps the versions' order where clocks disagree.
    """
    earliest = base.current.created_at.replace(microsecond=0) + timedelta(seconds=1)
    moment = max(changed.current.created_at, earliest)
    current = replace(changed.current, created_at=moment)
    return replace(changed, current=current, updated_at=max(changed.updated_at, moment))


def _states(repository: ImageRepository, image_id: str) -> Iterator[Image]:
    for _ in range(MAX_ATTEMPTS):
        image = repository.get(image_id)
        if image is None:
            raise ImageNotFound
        yield image


def _gave_up(image_id: str) -> BackendUnavailable:
    return BackendUnavailable(detail=f"gave up on {image_id} after {MAX_ATTEMPTS} conflicting writes")


def _happened(repository: ImageRepository, image: Image) -> bool:
    # The connection may break between the database's commit and its answer. Undoing the object then would leave a row
    # without bytes, so the row itself is asked.
    try:
        return repository.version(image.image_id, image.current.version_id) is not None
    except BackendError:
        return False
