"""What a client may not say about its request, although a proxy on this machine is trusted."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from tests.wire.deployments import Deployment
from tests.wire.photos import photo
from tests.wire.rawhttp import FORM_TYPE, RawClient, file_form, length_of

pytestmark = pytest.mark.wire

Connect = Callable[[Deployment], RawClient]


@pytest.mark.parametrize("value", ["/x", "/image", "/images"])
@pytest.mark.parametrize("name", ["SCRIPT_NAME", "Script_Name", "PATH_INFO", "REMOTE_USER"])
def test_a_header_does_not_route(embedded: Deployment, connect: Connect, name: str, value: str) -> None:
    client = connect(embedded)
    client.request("GET", "/images/no-such-image", [(name, value)])
    answer = client.answer()
    assert answer.status == 404, answer.body
    assert answer.problem["error"] == "No image with this key.", "another route answered"


def test_a_header_does_not_decide_where_an_image_is(embedded: Deployment, connect: Connect) -> None:
    body = file_form(photo(5000))
    client = connect(embedded)
    client.request("POST", "/upload", [FORM_TYPE, length_of(body), ("SCRIPT_NAME", "/upl"), ("PATH_INFO", "/x")], body)
    answer = client.answer()
    assert answer.status == 201, answer.body
    assert urlsplit(answer.headers["location"]).path == f"/image/{answer.problem['key']}"


def test_a_trusted_proxy_says_whether_it_was_https(embedded: Deployment, connect: Connect) -> None:
    body = file_form(photo(5000))
    client = connect(embedded)
    client.request("POST", "/upload", [FORM_TYPE, length_of(body), ("X-Forwarded-Proto", "https")], body)
    answer = client.answer()
    assert answer.status == 201, answer.body
    assert answer.problem["url"].startswith("https://"), answer.problem["url"]
