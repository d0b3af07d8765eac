"""Limits on requests that all servers share."""

import time

import pytest

from paas.limits import (
    BAD_REQUEST,
    DISCARD_BYTES,
    DISCARD_SECONDS,
    HEAD_TOO_LARGE,
    MIN_BYTES_PER_SECOND,
    OVERLOADED,
    RECEIVE_PAUSE_SECONDS,
    RECEIVE_SECONDS,
    TOO_LARGE,
    DiscardedBody,
    ReceivedRequest,
)


def test_the_rest_of_a_refused_body_is_read_within_limits():
    large, slow = DiscardedBody(), DiscardedBody()
    assert large.add(DISCARD_BYTES - 1)
    assert not large.add(1)
    assert slow.add(1)
    slow.ends_at -= DISCARD_SECONDS
    assert not slow.add(1)


def test_a_request_has_a_pause_and_a_least_rate():
    request = ReceivedRequest()
    assert RECEIVE_PAUSE_SECONDS - 1 < request.seconds_left <= RECEIVE_PAUSE_SECONDS
    began = time.monotonic() - RECEIVE_SECONDS - 10
    request.began_at = began
    request.add(MIN_BYTES_PER_SECOND * 5)
    assert request.seconds_left == 0
    request.add(MIN_BYTES_PER_SECOND * 10)
    assert 4 < request.seconds_left <= 5


@pytest.mark.parametrize("response", [BAD_REQUEST, HEAD_TOO_LARGE, TOO_LARGE, OVERLOADED])
def test_browsers_do_not_guess_the_type_of_a_server_s_own_response(response):
    assert b"\r\nx-content-type-options: nosniff\r\n" in response.message
