"""A variable missing in production stops the release and the web process, with one sentence."""

import re

from tests.harness.combinations import by_name, for_combinations
from tests.harness.failures import output_of_failed

S3 = {"ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "STORAGE_BUCKET_NAME", "S3_REGION_NAME"}
VARIABLES = {"SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL", *(f"AWS_{x}" for x in S3)}
# These need every variable.
WITH_ALL = by_name(
    "heroku-asgi-uvicorn-use_celery-use_s3_media",
    "digitalocean-asgi-uvicorn-use_celery-use_s3_media",
)


def missing_in(printed: str) -> list[str]:
    """The variables that the output reports as not set."""
    return sorted(re.findall(r"(\w+) is not set\.", printed))


def without(environment: dict[str, str], names: set[str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in names}


@for_combinations(WITH_ALL)
def test_each_missing_variable_stops_the_release_in_one_sentence(deployment):
    """All are missing at once, then one alone, which is then the only error."""
    for names in (VARIABLES, {"AWS_S3_REGION_NAME"}):
        printed = output_of_failed("release", deployment, without(deployment.environment, names))
        assert missing_in(printed) == sorted(names)


def test_the_web_process_serves_nothing_with_everything_missing(deployment):
    printed = output_of_failed("web", deployment, without(deployment.environment, VARIABLES))
    assert missing_in(printed) == sorted(VARIABLES & deployment.environment.keys())
