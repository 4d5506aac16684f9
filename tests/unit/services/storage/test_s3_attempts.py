from __future__ import annotations

import time

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from services.errors import BackendMisconfigured, BackendUnavailable
from services.storage.s3_attempts import attempt

LOST = ReadTimeoutError(endpoint_url="http://s3")
UNREACHED = EndpointConnectionError(endpoint_url="http://s3")


def answered(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutObject")  # type: ignore[typeddict-item]


class Script:
    """Raises or returns one thing after the other."""

    def __init__(self, *steps: object) -> None:
        self.steps = list(steps)

    def __call__(self) -> object:
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step


def test_success_is_one_call() -> None:
    assert attempt(Script("done"), 3) == "done"


@pytest.mark.parametrize("fault", [LOST, UNREACHED, answered("SlowDown", 503), answered("InternalError", 500)])
def test_a_transient_failure_is_tried_again(fault: Exception) -> None:
    assert attempt(Script(fault, fault, "done"), 3) == "done"


def test_the_tries_are_bounded() -> None:
    script = Script(LOST, LOST, LOST, "too late")

    with pytest.raises(BackendUnavailable):
        attempt(script, 3)
    assert script.steps == ["too late"]


@pytest.mark.parametrize("refusal", [answered("AccessDenied", 403), answered("NotImplemented", 501)])
def test_a_refusal_is_not_repeated(refusal: Exception) -> None:
    script = Script(refusal, "never")

    with pytest.raises(BackendMisconfigured):
        attempt(script, 3)
    assert script.steps == ["never"]


def test_the_time_is_bounded() -> None:
    def slow() -> None:
        time.sleep(0.2)
        raise LOST

    begun = time.monotonic()
    with pytest.raises(BackendUnavailable):
        attempt(slow, 100, budget=0.5)
    assert time.monotonic() - begun < 2.0


def test_what_a_lost_call_made_is_its_result() -> None:
    assert attempt(Script(LOST, "never"), 3, recover=lambda: "found") == "found"
    assert attempt(Script(answered("InternalError", 500)), 1, recover=lambda: "found") == "found"


def test_nothing_is_looked_for_when_the_call_can_not_have_worked() -> None:
    looked = Script("found by mistake", "again")

    assert attempt(Script(UNREACHED, answered("SlowDown", 503), "done"), 3, recover=looked) == "done"
    with pytest.raises(BackendMisconfigured):
        attempt(Script(answered("AccessDenied", 403)), 3, recover=looked)
    assert len(looked.steps) == 2


def test_once_in_doubt_later_refusals_are_looked_at_too() -> None:
    gone = answered("NoSuchUpload", 404)  # what the second complete says when the first one worked

    assert attempt(Script(LOST, gone), 3, recover=Script(None, "found")) == "found"
