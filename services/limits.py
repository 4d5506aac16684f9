"""What an upload may be, before anything looks at what it is."""

from __future__ import annotations

from dataclasses import dataclass

from services.errors import ContentTypeMismatch, TooLarge

SYNONYMS = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "image/apng": "image/png",
    "image/x-ms-bmp": "image/bmp",
    "image/x-bmp": "image/bmp",
    "image/avif-sequence": "image/avif",
}
"""Names that clients declare for a type, and its registered one."""


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Bytes, pixels over all frames, and whether a declared image type must be the true one."""

    max_file_size: int
    max_pixels: int
    strict_content_type: bool = False

    def refuse_size(self, size: int) -> None:
        """Raise ``TooLarge`` for a file of more bytes than allowed."""
        if size > self.max_file_size:
            raise TooLarge(f"The file is larger than the limit of {self.max_file_size} bytes.")

    def refuse_declared(self, declared: str | None, true: str) -> None:
        """When strict, raise ``ContentTypeMismatch`` for a declared image type that is not the bytes' own."""
        if not self.strict_content_type or declared is None or not declared.startswith("image/"):
            return
        if SYNONYMS.get(declared, declared) != true:
            raise ContentTypeMismatch(f"The declared type contradicts the bytes, which are {true}.")

    def refuse_media(self, media_type: str) -> None:
        """When strict, raise ``ContentTypeMismatch`` for a ``data:`` URL of another type than an image's.

        Browsers write ``application/octet-stream`` where they know none, and without one it is empty.
        """
        said = media_type not in ("", "application/octet-stream")
        if self.strict_content_type and said and not media_type.startswith("image/"):
            raise ContentTypeMismatch(f"The data: URL declares {media_type}, which is no image type.")
