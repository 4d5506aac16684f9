"""moto's threaded server in a process of its own.

In the tests' process all its servers would share one memory: a reset for one suite would empty the buckets of another,
every stored byte would count as the tests' own, and both would wait for one interpreter lock.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SERVE = """
import sys
from moto.server import ThreadedMotoServer
for line in sys.argv[1:]:
    exec(line)
server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()  # its end is this process's end, also when the tests are killed
"""


@contextmanager
def emulator(log: Path | None = None, *changes: str) -> Iterator[str]:
    """The URL of an emulator of AWS that nothing else uses; ``log`` takes what it says.

    ``changes`` are lines of Python that its process runs first.
    """
    with (
        (log or Path(os.devnull)).open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-c", _SERVE, *changes],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            assert port, f"the emulator did not start: {log.read_text()[-2000:] if log else 'no log'}"
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
