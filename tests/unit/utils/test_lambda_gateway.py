"""What an event says about a request arrives where WSGI keeps it, from every kind of sender."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from apig_wsgi import make_lambda_handler

from tests.lambda_events import AWS_ID, GATEWAY_ID, KINDS, Answer, Context, answer, event
from utils.lambda_gateway import BODY_LIMIT, Gateway, payload_limit


class Probe:
    """A WSGI application that keeps the environment and answers with given headers."""

    def __init__(self, *headers: tuple[str, str]) -> None:
        self.headers = [("Content-Type", "text/plain"), *headers]
        self.environ: dict[str, Any] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.environ = environ
        start_response("200 OK", self.headers)
        return [b"ok"]

    def ask(self, kind: str, sent: Mapping[str, Any]) -> Answer:
        return answer(kind, make_lambda_handler(Gateway(self), binary_support=True)(dict(sent), Context()))


def seen(kind: str, path: str = "/images", **members: Any) -> dict[str, Any]:
    probe = Probe()
    probe.ask(kind, event(kind, members.pop("method", "GET"), path, **members))
    return probe.environ


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_method_path_query_and_host(self, kind: str) -> None:
        environ = seen(kind, "/images/a b", method="PATCH", query="tags=a&tags=b%26c&title=x+y")
        assert (environ["REQUEST_METHOD"], environ["SCRIPT_NAME"]) == ("PATCH", "")
        assert environ["PATH_INFO"] == "/images/a b"
        query = environ["QUERY_STRING"].replace("%20", "+")
        # A load balancer without multi-value headers passes on the last of several values: its own limit.
        assert query == ("tags=b%26c&title=x+y" if kind == "alb" else "tags=a&tags=b%26c&title=x+y")
        assert (environ["HTTP_HOST"], environ["wsgi.url_scheme"]) == ("images.example", "https")

    def test_a_path_beyond_ascii_arrives_as_its_bytes(self, kind: str) -> None:
        assert seen(kind, "/ü-猫")["PATH_INFO"].encode("latin-1").decode() == "/ü-猫"

    def test_the_client_is_who_reached_the_gateway_not_who_it_claims_to_be(self, kind: str) -> None:
        assert seen(kind)["REMOTE_ADDR"] == "203.0.113.9"

    def test_a_body_is_decoded_and_measured(self, kind: str) -> None:
        body = bytes(range(256))
        environ = seen(kind, method="POST", body=body, headers={"Content-Type": "image/png"})
        assert environ["wsgi.input"].read() == body
        assert (environ["CONTENT_LENGTH"], environ["CONTENT_TYPE"]) == ("256", "image/png")

    def test_the_callers_request_id_comes_first(self, kind: str) -> None:
        assert seen(kind, headers={"X-Request-ID": "mine-1"})["HTTP_X_REQUEST_ID"] == "mine-1"

    @pytest.mark.parametrize("wrong", ["", "a b", "x" * 129, "ü"])
    def test_else_the_gateways_else_lambdas(self, kind: str, wrong: str) -> None:
        request_id = seen(kind, headers={"X-Request-ID": wrong})["HTTP_X_REQUEST_ID"]
        # The id of an HTTP API holds a '=', which is none of ours; a load balancer has none.
        assert request_id == (GATEWAY_ID if kind == "rest" else AWS_ID)

    def test_headers_beyond_ascii_arrive_as_their_utf8_bytes(self, kind: str) -> None:
        for name in ("Zoë", "猫", "Zoë".encode().decode("latin-1")):
            value = seen(kind, headers={"X-User-ID": name})["HTTP_X_USER_ID"]
            assert value.encode("latin-1").decode("utf-8") in ("Zoë", "猫")

    def test_a_scheme_that_is_none_is_taken_for_https(self, kind: str) -> None:
        assert seen(kind, headers={"X-Forwarded-Proto": "javascript"})["wsgi.url_scheme"] == "https"

    def test_repeated_headers_of_an_answer_all_arrive(self, kind: str) -> None:
        probe = Probe(("Vary", "Accept"), ("Vary", "Origin"), ("Location", "/image/1"))
        headers = probe.ask(kind, event(kind, "GET", "/")).headers
        assert (headers["vary"], headers["location"]) == ("Accept, Origin", "/image/1")

    def test_the_largest_body_fits_into_what_the_sender_takes(self, kind: str) -> None:
        limit = payload_limit(event(kind, "GET", "/"))
        largest = seen(kind)[BODY_LIMIT]
        assert limit * 0.69 < largest
        assert largest / 3 * 4 < limit


@pytest.mark.parametrize("kind", ["rest", "http"])
class TestStages:
    @pytest.mark.parametrize("path", ["/images", "/", "/dev", "/dev/x"])
    def test_a_stage_is_no_part_of_the_path(self, kind: str, path: str) -> None:
        environ = seen(kind, path, stage="dev")
        assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/dev", path)

    def test_on_a_domain_of_its_own_there_is_no_stage_in_the_path(self, kind: str) -> None:
        environ = seen(kind, "/dev/x")
        assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("", "/dev/x")

    @pytest.mark.parametrize(
        ("location", "expected"),
        [
            ("/image/1", "/dev/image/1"),
            ("/dev/image/1", "/dev/image/1"),
            ("/device", "/dev/device"),
            ("https://elsewhere.example/x", "https://elsewhere.example/x"),
        ],
    )
    def test_locations_lead_below_the_stage(self, kind: str, location: str, expected: str) -> None:
        probe = Probe(("Location", location))
        assert probe.ask(kind, event(kind, "GET", "/", stage="dev")).headers["location"] == expected


def test_the_base_path_of_a_custom_domain_is_no_part_of_the_path() -> None:
    sent = event("rest", "GET", "/v1/images/a")
    sent["pathParameters"] = {"proxy": "images/a"}
    probe = Probe()
    probe.ask("rest", sent)
    assert (probe.environ["SCRIPT_NAME"], probe.environ["PATH_INFO"]) == ("/v1", "/images/a")


def test_cookies_of_an_http_api_stay_several() -> None:
    probe = Probe(("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))
    response = make_lambda_handler(Gateway(probe), binary_support=True)(event("http", "GET", "/"), Context())
    assert response["cookies"] == ["a=1", "b=2"]


@pytest.mark.parametrize("stranger", [{"Records": []}, {}, {"requestContext": {}}, {"requestContext": None}])
def test_other_events_are_refused(stranger: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not an HTTP event"):
        payload_limit(stranger)
