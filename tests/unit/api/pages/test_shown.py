from __future__ import annotations

import pytest

from api.pages.shown import human_size


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (99_499, "99.5 kB"),
        (99_500, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (10_485_760, "10.5 MB"),
        (3_251_447_712, "3.3 GB"),
        (10**18, "1000 PB"),
    ],
)
def test_sizes_are_decimal_and_short(size: int, shown: str) -> None:
    assert human_size(size) == shown
