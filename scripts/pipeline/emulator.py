"""An emulator of AWS on loopback, until it is killed: prints its URL, then serves.

    python -m scripts.pipeline.emulator

Needs moto, which is one of the development requirements.
"""

from __future__ import annotations

import threading

from moto.server import ThreadedMotoServer


def main() -> None:
    """Serve on a free port."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    print(f"http://127.0.0.1:{server.get_host_and_port()[1]}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
