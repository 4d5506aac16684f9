from __future__ import annotations

import pytest

from scripts.pipeline import changelog
from scripts.pipeline.errors import PipelineError
from tests.pipelines.house import House
from tests.pipelines.runner import ROOT, Runner

TEXT = """# Changelog

## [Unreleased]

- later

## [1.2.10] - 2026-11-21

### Added

- something

## [1.2.1] - 2026-10-01

- older
"""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (TEXT.replace("1.2.10", "9.9.9"), "no headings"),
        (TEXT + "\n## [1.2.10] - 2026-11-22\n\n- again\n", "2 headings"),
        (TEXT.replace(" - 2026-11-21", ""), "date"),
        (TEXT.replace("2026-11-21", "2026-13-21"), "date"),
        (TEXT.replace("- something\n", ""), "says nothing"),
    ],
)
def test_a_release_without_a_section_is_refused(text: str, says: str) -> None:
    with pytest.raises(PipelineError, match=says):
        changelog.section(text, "1.2.10")


def test_a_version_is_no_pattern() -> None:
    with pytest.raises(PipelineError):
        changelog.section(TEXT, "1.2.1.")


def test_the_section_of_a_version() -> None:
    assert changelog.section(TEXT, "1.2.10") == "### Added\n\n- something\n"
    assert changelog.section(TEXT, "1.2.1") == "- older\n"


def test_the_changelog_has_a_place_for_what_comes_next() -> None:
    headings = changelog._HEADING.findall((ROOT / "CHANGELOG.md").read_text())
    assert headings[0] == ("Unreleased", "")


def test_the_workflow_takes_the_section(runner: Runner, house: House) -> None:
    (house.folder / "CHANGELOG.md").write_text(TEXT)
    commit = house.commit("changelog")
    runner.environ.update(house.event(ref="refs/tags/v1.2.10", commit=commit))
    assert set(runner.job("release.yml", "prepare").values()) == {0}
    assert (house.folder / "notes.md").read_text() == "### Added\n\n- something\n"
    runner.environ.update(house.event(ref="refs/tags/v1.3.0", commit=commit))
    assert runner.job("release.yml", "prepare")["Take the changelog's section"] == 1
    assert "no headings" in runner.said("Take the changelog's section")
