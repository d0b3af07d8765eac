"""The deploy check of REDIS_URL."""

import pytest


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "REDIS_URL is not set."),
        ("localhost", "REDIS_URL must have the form rediss://:password@host:port."),
    ],
)
def test_an_invalid_redis_url_is_one_deploy_error(only_problem, url, message):
    assert only_problem(REDIS_URL=url) == message
