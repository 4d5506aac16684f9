"""The images of the DynamoDB benchmark."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from services.models import Image, ImageVersion

START = datetime(2025, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)
TAGS = [f"tag-{number}" for number in range(200)]
WORDS = [f"word{number}" for number in range(2000)]

EVERY: dict[int, dict[int, tuple[str, ...]]] = {
    500: {0: ("left", "right"), 250: ("left", "up"), 375: ("right", "up")},
    20_000: {7: ("rare",)},
    7: {0: ("up",)},
    30: {1: ("east", "north"), 11: ("north", "west"), 21: ("east", "west")},
    3: {0: ("common",)},
}
"""Tags of every so many images, by the remainder of their number."""


def _tags(number: int, chance: random.Random) -> list[str]:
    tags = set(chance.choices(TAGS, k=chance.randint(0, 3)))
    side = chance.random()
    if side < 0.2:
        tags |= {"left"} if side < 0.1 else {"right"}
    for period, remainders in EVERY.items():
        # An image that is "up" all the same is on neither side.
        tags |= {tag for tag in remainders.get(number % period, ()) if side >= 0.2 or (period, tag) != (7, "up")}
    if number % 10 == 3:
        tags |= set(chance.sample(TAGS, k=chance.randint(6, 20)))
    if number % 10 == 5:
        tags |= {"many", "manifold"} | {f"m{each}" for each in range(chance.randint(4, 16))}
    return sorted(tags)[:20]


def images(count: int) -> Iterator[Image]:
    """Images of many owners; ``left``, ``right`` and ``up`` are common tags of which two seldom meet and three never;
    of ``east``, ``north`` and ``west`` each two often meet.

    One in ten has 6 to 20 tags, one in a hundred a title of more words than have pairs.
    """
    chance = random.Random(4)
    for number in range(count):
        tags = _tags(number, chance)
        words = [*chance.choices(WORDS, k=chance.randint(1, 3)), *(["holiday"] if number % 4 == 0 else [])]
        if number % 100 == 41:
            words = chance.sample(WORDS, k=30)
        owner = "ada" if number % 10 == 0 else f"owner-{chance.randrange(500)}"
        created = START + number * STEP
        image_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        version = ImageVersion(
            f"{chance.getrandbits(128):032x}", "image/jpeg", 2_000_000, f"{chance.getrandbits(256):064x}",
            4000, 3000, 1, 1, created, deleted=False,
        )  # fmt: skip
        name = f"IMG_{number:06}.jpg"
        yield Image(
            image_id, owner, f"images/{image_id}/{name}", name, " ".join(words),
            "Taken on the way, in the evening light.", tuple(tags), created, created, version,
        )  # fmt: skip
