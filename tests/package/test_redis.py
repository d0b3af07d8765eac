"""The deploy check of REDIS_URL."""

import pytest

from paas.checks.redis import check_redis


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "REDIS_URL is not set."),
        ("localhost", "REDIS_URL must have the form rediss://:password@host:port."),
    ],
)
def test_an_invalid_redis_url_is_one_deploy_error(only_problem, url, message):
    assert only_problem(REDIS_URL=url) == message


def test_a_malformed_redis_url_has_a_hint_that_shows_it_and_not_the_command_that_creates_it(
    configure,
):
    configure(REDIS_URL="localhost", PLATFORM="paas.platforms.heroku")
    error = check_redis()
    assert error is not None
    assert error.hint == "heroku config:get REDIS_URL shows it."
