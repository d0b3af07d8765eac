"""The bucket for uploads: its URLs, and the deploy check of its variables."""

import pytest
from django.core.files.base import ContentFile

from example.production import VALID_SETTINGS
from paas import bucket_checks  # noqa: F401 (registers its checks)
from paas.bucket import Bucket


def test_urls_are_signed_and_have_the_bucket_in_the_host_name():
    bucket = Bucket(**VALID_SETTINGS["BUCKET"], endpoint_url="https://s3.example.com")
    url = bucket.url("pictures/a.webp")
    assert url.startswith("https://uploads.s3.example.com/pictures/a.webp?")
    assert "X-Amz-Signature=" in url
    assert "X-Amz-Expires=3600&" in f"{url}&"


def test_files_are_private_keep_their_names_apart_and_fail_before_the_router_gives_up():
    bucket = Bucket(**VALID_SETTINGS["BUCKET"], endpoint_url="https://s3.example.com")
    assert "ACL" not in bucket.get_object_parameters("a.webp") | bucket._get_write_parameters("a")
    assert not bucket.file_overwrite
    config = bucket.connection.meta.client.meta.config
    attempts = config.retries["total_max_attempts"]
    assert attempts * (config.connect_timeout + config.read_timeout) < 30


def test_a_bucket_that_fails_raises_an_error_as_a_disk_does():
    bucket = Bucket(**VALID_SETTINGS["BUCKET"], endpoint_url="http://127.0.0.1:1")
    with pytest.raises(OSError, match="The bucket failed"):
        bucket.save("a.webp", ContentFile(b"x"))


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
