"""Reading a Dockerfile and its .dockerignore: as much of their language as ours use; anything else raises."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from string import Template


@dataclass(frozen=True)
class Step:
    """One instruction with its arguments as they stand, line continuations joined."""

    name: str
    text: str


@dataclass
class Stage:
    """What is between two FROM lines."""

    base: str
    name: str
    steps: list[Step] = field(default_factory=list)


def stages(text: str) -> list[Stage]:
    """The stages of a Dockerfile; ARGs before the first FROM are filled in there."""
    arguments: dict[str, str] = {}
    found: list[Stage] = []
    for step in _steps(text):
        if step.name == "FROM":
            base, _, name = Template(step.text).substitute(arguments).partition(" AS ")
            found.append(Stage(base, name))
        elif found:
            found[-1].steps.append(step)
        elif step.name == "ARG":
            name, _, value = step.text.partition("=")
            arguments[name] = value
        else:
            raise ValueError(f"{step.name} before the first FROM")
    return found


def _steps(text: str) -> list[Step]:
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", lines)
    steps = [line.strip().partition(" ") for line in joined.splitlines() if line.strip()]
    return [Step(name, rest.strip()) for name, _, rest in steps]


def pairs(text: str, known: dict[str, str]) -> dict[str, str]:
    """The ``NAME=value`` pairs of ENV, with what is known filled in."""
    return dict(Template(word).safe_substitute(known).partition("=")[::2] for word in shlex.split(text))


def command(text: str) -> list[str]:
    """A command in the JSON form; the shell form would make a shell the process that is stopped."""
    words = json.loads(text)
    if not (isinstance(words, list) and all(isinstance(word, str) for word in words)):
        raise ValueError(f"{text} is not in the JSON form")
    return words


def context(folder: Path) -> list[PurePosixPath]:
    """The files that .dockerignore lets into the build; the last rule that matches a file or a folder above it wins."""
    rules = []
    for line in (folder / ".dockerignore").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            pattern = line.strip().removeprefix("!").strip("/")
            rules.append((_regex(pattern), line.startswith("!")))
    return [path for path in _files(folder, PurePosixPath()) if _taken(path, rules)]


def _files(folder: Path, below: PurePosixPath) -> list[PurePosixPath]:
    found: list[PurePosixPath] = []
    for entry in sorted((folder / below).iterdir()):
        if entry.name in {".git", ".venv", ".ci", "node_modules"}:  # large, and a test below sees that none is let in
            continue
        path = below / entry.name
        found += _files(folder, path) if entry.is_dir() and not entry.is_symlink() else [path]
    return found


def _taken(path: PurePosixPath, rules: list[tuple[re.Pattern[str], bool]]) -> bool:
    taken = True
    above = [str(path), *(str(parent) for parent in path.parents if parent.name)]
    for pattern, keeps in rules:
        if any(pattern.fullmatch(name) for name in above):
            taken = keeps
    return taken


def _regex(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*|\?|\[[^]]*\])", pattern)
    known = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(known.get(part) or (part if part.startswith("[") else re.escape(part)) for part in parts))
