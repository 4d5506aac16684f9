"""Loaded by schemathesis itself (see schemathesis.toml): what valid requests must obey beyond their schemas.

JSON Schema describes one value at a time. That two names must agree, that a cursor must have been handed out, that a
size must be the file's, the document says in words; here such values are made right, so that a valid request may still
be held to be accepted. Requests that are meant to be refused are left alone.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import MutableMapping
from typing import Any

import requests
import schemathesis
from hypothesis import strategies as st

CURSORS = {"listImages": "last_key", "listImagesAsUser": "cursor", "listLabel": "cursor", "adminImages": "cursor"}
SECONDS = 30
# One pixel. It is ASCII, and so is the noise: of a form with bytes in it schemathesis can not tell that a number, sent
# for a text, has become text, and calls it accepted against the schema.
GIF = "GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"
NOISE = st.text(st.characters(max_codepoint=127))

# Three files of four are an image: at random none would be, and nothing behind an upload would be reached.
schemathesis.openapi.format("binary", st.integers(0, 3).flatmap(lambda draw: st.just(GIF) if draw else NOISE))


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """Called before every request."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    name = case.operation.definition.raw["operationId"]
    if name in CURSORS:
        search_for_something(case.query)
        use_real_cursor(case, CURSORS[name])
    else:
        name_one_user(case)
    if name == "uploadToLabel" and "X-User-ID" in case.headers:
        case.headers["X-User-ID"] = case.path_parameters["image_id"]  # others may not add to a label
    if name == "createImage" and isinstance(case.body, dict) and "size" in case.body:
        case.body["size"] = len(b64decode(str(case.body["image"])))
    if name == "putObject":
        announced = post(case, "/images/upload", json={"content_type": case.media_type})
        case.path_parameters["token"] = announced["upload_url"].rpartition("/")[2]
    if name in ("fetchObject", "fetchObjectHeaders"):
        stored = post(case, "/upload", files={"file": ("dot.gif", GIF)})
        presigned = requests.get(f"{case.operation.base_url}/image/{stored['key']}?presign=1", timeout=SECONDS).json()
        case.path_parameters["token"] = presigned["url"].rpartition("/")[2]


def name_one_user(case: schemathesis.Case) -> None:
    """X-User-ID, the query and the body must name the same user: the first that names one is kept."""
    places: list[tuple[Any, str]] = [(case.body, "user_id"), (case.headers, "X-User-ID"), (case.query, "user_id")]
    naming = [(place, name) for place, name in places if isinstance(place, MutableMapping) and place.get(name)]
    for place, name in naming[1:]:
        del place[name]


def search_for_something(query: MutableMapping[str, Any]) -> None:
    """A title to search for must have a word in it, and what is listed by must be given."""
    wanted = query.get("filter_by")
    if not re.search(r"[^\W_]", query.get("title") or ("" if wanted == "title" else "any")):
        query["title"] = "beach"
    if wanted == "tags" and not query.get("tags", "").replace(",", "").strip():
        query["tags"] = "beach"
    # Twenty tags at most, in all parameters together.
    if isinstance(query.get("tags"), list):
        query["tags"] = query["tags"][:1]
        query.pop("tag", None)
    if isinstance(query.get("tag"), list):
        query["tag"] = query["tag"][:20]


def use_real_cursor(case: schemathesis.Case, name: str) -> None:
    """A cursor must be of the same query: the first image's replaces the one that was made up, or none does."""
    if name not in case.query:
        return
    del case.query[name]
    url = case.operation.base_url + case.formatted_path
    query = {**case.query, "limit": 1}
    headers = {key: value.encode("latin-1") for key, value in case.headers.items()}
    answer = requests.get(url, params=query, headers=headers, timeout=SECONDS).json()
    found = answer.get(name)
    if found:
        case.query[name] = found["cursor"] if isinstance(found, dict) else found


def post(case: schemathesis.Case, path: str, **body: Any) -> Any:
    answer = requests.post(case.operation.base_url + path, timeout=SECONDS, **body)
    assert answer.status_code == 201, answer.text
    return answer.json()
