"""The bucket for uploads: its URLs, and the deploy check of its variables."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.db import models
from environs import Env

from example.models import User
from example.production import VALID_SETTINGS
from paas.checks import bucket, problems
from paas.env import bucket_options, bucket_origin
from paas.storage.bucket import Bucket


def test_urls_are_signed_and_have_the_bucket_in_the_host_name():
    bucket = Bucket(**VALID_SETTINGS["BUCKET"], endpoint_url="https://s3.example.com")
    url = bucket.url("pictures/a.webp")
    assert url.startswith("https://uploads.s3.example.com/pictures/a.webp?")
    assert "X-Amz-Signature=" in url
    assert "X-Amz-Expires=3600&" in f"{url}&"


def test_a_bucket_that_fails_raises_an_error_as_a_disk_does():
    bucket = Bucket(**VALID_SETTINGS["BUCKET"], endpoint_url="http://127.0.0.1:1")
    with pytest.raises(OSError, match="The bucket failed"):
        bucket.save("a.webp", ContentFile(b"x"))


def test_the_options_and_the_origin_come_from_the_environment(monkeypatch):
    values = {"ACCESS_KEY_ID": "KEY", "SECRET_ACCESS_KEY": "secret", "S3_REGION_NAME": "nyc3"}
    for name, value in (values | {"STORAGE_BUCKET_NAME": "uploads"}).items():
        monkeypatch.setenv(f"AWS_{name}", value)
    options = bucket_options(Env(), "paas.platforms.digitalocean")
    origin = bucket_origin(options)
    assert origin == "https://uploads.nyc3.digitaloceanspaces.com"
    assert Bucket(**options).url("a.webp").startswith(f"{origin}/a.webp?")


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


@pytest.fixture
def add_field(monkeypatch):
    """A function that adds a FileField to the user model, and takes the extra from the project."""

    def add(**options) -> None:
        field = models.FileField(**options)
        field.set_attributes_from_name("cv")
        field.model = User
        monkeypatch.setattr(User._meta, "local_fields", [*User._meta.local_fields, field])
        monkeypatch.setattr(bucket, "has_bucket", lambda: False)

    return add


LOST = "example.User.cv has no bucket: the platform deletes local files at each restart."


@pytest.mark.parametrize("backend", [FileSystemStorage, Bucket])
def test_a_model_with_files_needs_the_extra(only_problem, add_field, settings, backend):
    settings.STORAGES = {"default": {"BACKEND": f"{backend.__module__}.{backend.__name__}"}}
    add_field()
    assert only_problem() == LOST


@pytest.mark.parametrize(
    ("backend", "options"),
    [
        ("django.core.files.storage.FileSystemStorage", {"storage": FileSystemStorage("/tmp")}),
        ("shop.AzureStorage", {}),
    ],
)
def test_a_storage_that_was_chosen_needs_no_bucket(
    configure, add_field, settings, backend, options
):
    settings.STORAGES = {"default": {"BACKEND": backend}}
    configure()
    add_field(**options)
    assert problems() == []


def test_a_storage_of_another_kind_needs_no_variables(configure, settings):
    settings.STORAGES = {"default": {"BACKEND": "shop.AzureStorage"}}
    configure(BUCKET=dict.fromkeys(VALID_SETTINGS["BUCKET"], ""))
    assert problems() == []
