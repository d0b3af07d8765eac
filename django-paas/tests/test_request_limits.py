"""Limits on requests that all servers share."""

from paas.limits import DISCARD_BYTES, DISCARD_SECONDS, DiscardedBody


def test_the_rest_of_a_refused_body_is_read_within_limits():
    large, slow = DiscardedBody(), DiscardedBody()
    assert large.add(DISCARD_BYTES - 1)
    assert not large.add(1)
    assert slow.add(1)
    slow.ends_at -= DISCARD_SECONDS
    assert not slow.add(1)
