"""Whether the server can listen where it is told to: asked once, before gunicorn tries for five seconds."""

from __future__ import annotations

import errno
import socket


def unusable(host: str, port: int) -> str | None:
    """What is wrong with listening on ``host`` and ``port``, as a line that names HOST or PORT; None when it works.

    It binds as gunicorn does and lets go at once.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # else the last start's connections block it
            probe.bind((host, port))
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            return f"PORT is {port}: it should be a port of {host} that nobody listens on ({reason})"
        if getattr(error, "errno", None) == errno.EACCES:
            return f"PORT is {port}: it should be one that this user may listen on ({reason})"
        return f"HOST is {host!r}: it should be a name or an address of this machine ({reason})"
    return None
