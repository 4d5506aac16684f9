"""The image without Docker: the Dockerfile's own steps, run in a folder that is their root, and the result started.

What stands in for the base image is this machine's /usr and its Python, both read-only; everything that the steps write
lands in the folder. It takes root, as the steps do, and Linux' mount namespaces: nothing of this is visible outside.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pytest

from tests.infra import dockerfile
from tests.infra.dockerfile import Stage, Step

PYTHON = Path(sys.base_prefix)
_ACCOUNTS = ["default", "group", "gshadow", "login.defs", "nsswitch.conf", "passwd", "shadow"]
_ETC = [*_ACCOUNTS, "hosts", "ld.so.cache", "pip.conf", "resolv.conf", "ssl"]
# How a builder reaches its registry; nothing else of this environment reaches the steps.
_NETWORK = ("PIP_INDEX_URL", "PIP_CERT", "SSL_CERT_FILE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
_TOOLS = ("unshare", "mount", "chroot", "setpriv")


def needs_namespaces() -> None:
    """Skip the test, saying why, where the steps can not run."""
    if os.geteuid() != 0:
        pytest.skip("the Dockerfile's steps need root")
    if missing := [name for name in _TOOLS if not shutil.which(name)]:
        pytest.skip(f"the Dockerfile's steps need {', '.join(missing)} here")
    if not (PYTHON / "bin/python").exists() or sys.version_info[:2] != (3, 11):
        pytest.skip(f"{PYTHON} can not stand in for the base image: it has no Python 3.11 called python")
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip("this machine allows no mount namespaces")


@dataclass
class Image:
    """What the steps made: a folder, and how its program is started, asked for its health and stopped."""

    root: Path
    environment: dict[str, str]
    workdir: str = "/"
    user: str = "0:0"
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    stop_signal: str = ""
    volumes: list[str] = field(default_factory=list)

    def start(
        self, command: list[str], volume: Path, log: Path, environment: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Run a command as ECS would: the image's user, no way to more rights, the tree read-only, /tmp in memory.

        The process is the program itself, as in a container: a signal to it is a signal to the program.
        """
        program = ["setpriv", f"--reuid={self.user.partition(':')[0]}", f"--regid={self.user.rpartition(':')[2]}"]
        program += ["--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
        before = [*program, *_clean(self.environment | (environment or {}))]
        volumes = dict.fromkeys(self.volumes, volume)
        with log.open("ab") as output:
            return subprocess.Popen(
                _inside(self.root, before, self.workdir, command, volumes),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )


def build(source: Path, folder: Path) -> Image:
    """Run every step of ``source``'s Dockerfile below ``folder``; the last stage is the image."""
    made: dict[str, Image] = {}
    files = dockerfile.context(source)
    for number, stage in enumerate(dockerfile.stages((source / "Dockerfile").read_text())):
        image = _based(stage, folder / f"stage-{number}")
        for step in stage.steps:
            _run(image, step, source, files, made)
        made[stage.name] = image
    return image


def _based(stage: Stage, root: Path) -> Image:
    assert stage.base.startswith("python:3.11"), f"this machine can not stand in for {stage.base}"
    assert "@sha256:" in stage.base, f"{stage.base} is not pinned"
    for name in ("dev", "etc", "opt", "proc", "tmp", "usr", "var/log", str(PYTHON).lstrip("/")):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    for name in ("bin", "lib", "lib64", "sbin"):
        (root / name).symlink_to(f"usr/{name}")
    for name in _ETC:
        if (found := Path("/etc", name)).exists():
            subprocess.run(["cp", "-aL", str(found), str(root / "etc")], check=True)
    return Image(root, {"PATH": f"{PYTHON}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"})


def _run(image: Image, step: Step, source: Path, files: list[PurePosixPath], made: dict[str, Image]) -> None:
    match step.name:
        case "RUN":
            _execute(image, step.text)
        case "COPY":
            _copy(image, step.text, source, files, made)
        case "ENV":
            image.environment |= dockerfile.pairs(step.text, image.environment)
        case "WORKDIR":
            image.workdir = step.text
            (image.root / step.text.lstrip("/")).mkdir(parents=True, exist_ok=True)
        case "VOLUME":
            image.volumes.append(step.text)
        case "CMD":
            image.command = dockerfile.command(step.text)
        case "HEALTHCHECK":
            image.health = dockerfile.command(step.text.partition("CMD")[2])
        case "USER" | "STOPSIGNAL":
            setattr(image, {"USER": "user", "STOPSIGNAL": "stop_signal"}[step.name], step.text)
        case _:
            # LABEL and EXPOSE tell the outside, and nothing here asks.
            assert step.name in {"LABEL", "EXPOSE"}, f"a step that is not known here: {step.name}"


def _execute(image: Image, text: str) -> None:
    network = {name: os.environ[name] for name in _NETWORK if name in os.environ}
    command = _inside(image.root, _clean(image.environment | network), image.workdir, ["/bin/sh", "-c", text])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"RUN {text}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"


def _copy(image: Image, text: str, source: Path, files: list[PurePosixPath], made: dict[str, Image]) -> None:
    *names, target = text.split()
    origin, flag = source, names[0].startswith("--from=")
    if flag:
        origin = made[names.pop(0).removeprefix("--from=")].root
    place = Path(image.workdir.lstrip("/"), target) if not target.startswith("/") else Path(target.lstrip("/"))
    for name in names:
        if flag:
            subprocess.run(["cp", "-a", str(origin / name.lstrip("/")), str(image.root / place)], check=True)
            continue
        taken = [path for path in files if str(path) == name or str(path).startswith(f"{name}/")]
        assert taken, f"COPY {name}: .dockerignore lets nothing of it in"
        for path in taken:
            inner = path.relative_to(name) if str(path) != name else Path(path.name if target.endswith("/") else "")
            goal = image.root / place / inner
            goal.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(origin / path, goal)


def _clean(environment: dict[str, str]) -> list[str]:
    return ["env", "--ignore-environment", *(f"{name}={value}" for name, value in environment.items())]


_MOUNT = """
set -e
root=$1 python=$2 workdir=$3 volumes=$4; shift 4
if [ "$volumes" != - ]; then mount --bind "$root" "$root"; fi
mount --rbind -o ro /usr "$root/usr"
case $python in /usr|/usr/*) ;; *) mount --rbind -o ro "$python" "$root$python" ;; esac
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
if [ "$volumes" != - ]; then
  mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
  for each in $volumes; do mount --bind "${each#*=}" "$root${each%%=*}"; done
  mount -o remount,bind,ro "$root"
fi
exec chroot "$root" "$@"
"""


def _inside(
    root: Path, before: list[str], workdir: str, command: list[str], volumes: dict[str, Path] | None = None
) -> list[str]:
    """The command line that runs ``command`` with ``root`` as its root; with volumes, even none, the rest is fixed."""
    spaced = "-" if volumes is None else " ".join(f"{name}={path}" for name, path in volumes.items())
    there = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', workdir, *command]
    script = ["/bin/sh", "-c", _MOUNT, "mount", str(root), str(PYTHON), workdir, spaced]
    return ["unshare", "--mount", "--propagation", "private", "--", *script, *before, *there]


@contextmanager
def running(image: Image, folder: Path, port: int, settings: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """The image's own command on ``port``, with a new volume below ``folder``; killed at the end, if it still runs."""
    volume = folder / "volume"
    volume.mkdir()
    for name in image.volumes:  # a new volume takes over whose the image's folder is, and how private
        status = (image.root / name.lstrip("/")).stat()
        os.chown(volume, status.st_uid, status.st_gid)
        volume.chmod(status.st_mode)
    own = {"HOST": "127.0.0.1", "PORT": str(port)}
    process = image.start(image.command, volume, folder / "log", own | settings)
    try:
        yield process
    finally:
        process.kill()
        process.wait(20)
