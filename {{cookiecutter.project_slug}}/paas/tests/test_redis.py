"""The deploy check of REDIS_URL."""

import pytest


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "REDIS_URL is not set."),
        ("localhost", "REDIS_URL must have the form rediss://:password@host:port."),
    ],
)
def test_without_a_good_redis_nothing_goes_live(refusal, url, sentence):
    assert refusal(REDIS_URL=url) == sentence
