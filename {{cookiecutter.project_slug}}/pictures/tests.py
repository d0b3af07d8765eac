"""Pictures, in a local folder; two tests use a bucket that does not answer."""

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from pictures.models import Picture


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path / "pictures"


def picture(colour: str = "red") -> bytes:
    image = Image.new("RGB", (300, 200), colour)
    image.save(data := BytesIO(), "PNG")
    return data.getvalue()


@pytest.fixture
def upload(client, user, django_capture_on_commit_callbacks):
    """Upload these bytes as the user's picture; returns the page after the redirect."""
    client.force_login(user)

    def post(data: bytes) -> str:
        with django_capture_on_commit_callbacks(execute=True):
            image = SimpleUploadedFile("me.png", data)
            return client.post(reverse("picture"), {"image": image}, follow=True).text

    return post


def test_an_upload_is_stored_as_a_webp_picture(upload, user, folder):
    page = upload(picture())
    assert "Your picture was changed." in page
    assert user.picture.image.url in page
    (path,) = folder.iterdir()
    assert path.suffix == ".webp"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "This file is not a JPEG, PNG, WebP or GIF"),
        (b"", "The submitted file is empty."),
    ],
)
def test_a_file_that_is_no_picture_is_rejected_with_a_reason(upload, folder, data, message):
    assert message in upload(data)
    assert not Picture.objects.exists()
    assert not folder.exists()


def test_a_new_picture_replaces_the_old_file(upload, user, folder):
    upload(picture(colour="red"))
    (old,) = folder.iterdir()
    upload(picture(colour="blue"))
    (new,) = folder.iterdir()
    assert new.name != old.name
    assert new.name in user.picture.image.name


def test_removing_a_picture_deletes_its_file(
    upload, client, folder, django_capture_on_commit_callbacks
):
    upload(picture())
    with django_capture_on_commit_callbacks(execute=True):
        page = client.post(reverse("picture_remove"), follow=True).text
    assert "You have none yet." in page
    assert list(folder.iterdir()) == []


def test_deleting_a_user_deletes_the_picture_s_file(
    upload, user, folder, django_capture_on_commit_callbacks
):
    upload(picture())
    with django_capture_on_commit_callbacks(execute=True):
        user.delete()
    assert list(folder.iterdir()) == []


def test_picture_pages_require_a_login(client, db):
    for name in ("picture", "picture_remove"):
        assert reverse("account_login") in client.post(reverse(name)).headers["Location"]


@pytest.fixture
def use_unreachable_bucket(settings):
    def use() -> None:
        keys = {"access_key": "key", "secret_key": "secret"}
        options = keys | {"bucket_name": "uploads", "endpoint_url": "https://127.0.0.1:1"}
        bucket = {"BACKEND": "paas.storage.bucket.Bucket", "OPTIONS": options}
        settings.STORAGES = settings.STORAGES | {"default": bucket}

    return use


def test_an_upload_that_cannot_be_stored_keeps_the_old_picture(
    upload, user, folder, use_unreachable_bucket
):
    upload(picture())
    use_unreachable_bucket()
    assert "The picture could not be stored." in upload(picture())
    assert (folder.parent / user.picture.image.name).exists()


def test_a_first_upload_that_cannot_be_stored_creates_no_picture(upload, use_unreachable_bucket):
    use_unreachable_bucket()
    assert "The picture could not be stored." in upload(picture())
    assert not Picture.objects.exists()
