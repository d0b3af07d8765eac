"""The bucket for uploads: its links, and the variables without which nothing goes live."""

import pytest

from paas.bucket import Bucket
from paas.tests.production import VALID_SETTINGS


def test_links_are_signed_and_name_the_bucket_in_the_host():
    bucket = Bucket(**VALID_SETTINGS["BUCKET"], endpoint_url="https://s3.us-east-1.amazonaws.com")
    url = bucket.url("pictures/a.webp")
    assert url.startswith("https://uploads.s3.us-east-1.amazonaws.com/pictures/a.webp?")
    assert "X-Amz-Signature=" in url
    assert "X-Amz-Expires=3600&" in f"{url}&"


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("bucket_name", "", "AWS_STORAGE_BUCKET_NAME is not set."),
        ("bucket_name", "YOUR_BUCKET", "AWS_STORAGE_BUCKET_NAME is no bucket's name."),
        ("secret_key", "SPACES_SECRET_GOES_HERE", "AWS_SECRET_ACCESS_KEY is no secret access key."),
    ],
)
def test_without_a_good_bucket_nothing_goes_live(refusal, key, value, sentence):
    assert refusal(BUCKET=VALID_SETTINGS["BUCKET"] | {key: value}) == sentence
