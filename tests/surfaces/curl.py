"""A ``curl`` command line as a request to the application, so that a document's examples run as they are written."""

from __future__ import annotations

import io
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse


def curl(client: FlaskClient, line: str, files: Mapping[str, bytes] | None = None) -> TestResponse:
    """Send what ``line`` says; it knows ``-X -H -F -d --data-binary -o``.

    :param files: the bytes of each file that ``line`` names behind ``@``.
    """
    words = iter(shlex.split(line.replace("\\\n", " ")))
    assert next(words) == "curl"
    method, url, headers = "", "", {}
    form: MultiDict[str, Any] = MultiDict()
    body: bytes | None = None
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(":")
            headers[name] = value.strip()
        elif word == "-F":
            name, _, value = next(words).partition("=")
            path = value.removeprefix("@")
            sent = (io.BytesIO((files or {})[path]), path.rpartition("/")[2]) if value.startswith("@") else value
            form.add(name, sent)
        elif word in ("-d", "--data-binary"):
            value = next(words)
            body = (files or {})[value[1:]] if value.startswith("@") else value.encode()
        elif word == "-o":
            next(words)
        else:
            assert not word.startswith("-"), f"unknown option {word}"
            url = word
    method = method or ("POST" if form or body is not None else "GET")
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return client.open(target, method=method, headers=headers, data=form or body)
