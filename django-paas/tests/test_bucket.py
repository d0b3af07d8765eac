"""The bucket for uploads: its URLs, and the deploy check of its variables."""

import pytest

from example.production import VALID_SETTINGS
from paas import bucket_checks  # noqa: F401 (registers its checks)
from paas.bucket import Bucket


def test_urls_are_signed_and_have_the_bucket_in_the_host_name():
    bucket = Bucket(**VALID_SETTINGS["BUCKET"], endpoint_url="https://s3.example.com")
    url = bucket.url("pictures/a.webp")
    assert url.startswith("https://uploads.s3.example.com/pictures/a.webp?")
    assert "X-Amz-Signature=" in url
    assert "X-Amz-Expires=3600&" in f"{url}&"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("bucket_name", "", "AWS_STORAGE_BUCKET_NAME is not set."),
        ("bucket_name", "YOUR_BUCKET", "AWS_STORAGE_BUCKET_NAME must match '[a-z0-9-]{3,63}'."),
        (
            "secret_key",
            "THE_SECRET_GOES_HERE",
            "AWS_SECRET_ACCESS_KEY must match '[A-Za-z0-9/+=]{30,}'.",
        ),
    ],
)
def test_an_invalid_bucket_is_one_deploy_error(only_problem, key, value, message):
    assert only_problem(BUCKET=VALID_SETTINGS["BUCKET"] | {key: value}) == message
