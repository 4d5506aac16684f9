"""What workers tell one another about their connections."""

from __future__ import annotations

import os

from utils.crowds import Crowds


def test_a_worker_alone_has_nobody_to_yield_to() -> None:
    crowds = Crowds()
    crowds.tell(1, 5)
    assert crowds.least_elsewhere(1) is None


def test_the_least_of_the_others_counts() -> None:
    crowds = Crowds()
    for worker, connections in ((1, 5), (2, 3), (3, 0), (4, 9)):
        crowds.tell(worker, connections)
    assert crowds.least_elsewhere(1) == 0
    assert crowds.least_elsewhere(3) == 3


def test_a_worker_that_has_ended_is_forgotten() -> None:
    crowds = Crowds()
    crowds.tell(1, 5)
    crowds.tell(2, 0)
    crowds.leave(2)
    assert crowds.least_elsewhere(1) is None


def test_what_a_forked_worker_tells_is_seen_by_the_others() -> None:
    crowds = Crowds()
    child = os.fork()
    if child == 0:
        crowds.tell(300, 7)  # a number beyond the slots: the 300th worker since the start
        os._exit(0)
    os.waitpid(child, 0)
    assert crowds.least_elsewhere(1) == 7
