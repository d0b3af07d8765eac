"""Pictures, in a local folder; two tests use a bucket that does not answer."""

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from pictures.images import DECODE_LOCK
from pictures.models import Picture

INVALID = "This file is not a JPEG, PNG, WebP or GIF picture."
COPYRIGHT = 0x8298


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path / "pictures"


def picture(
    image_format: str = "PNG", size: tuple = (300, 200), colour: str = "red", **options
) -> bytes:
    image = Image.new("RGB", size, colour)
    image.save(data := BytesIO(), image_format, **options)
    return data.getvalue()


def jpeg_of_many_scans() -> bytes:
    data = picture("JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + 50 * last + data[-2:]


def colour_at(image, x: int, y: int):
    return image.convert("RGB").getpixel((x, y))


@pytest.fixture
def upload(client, user, django_capture_on_commit_callbacks):
    """Upload these bytes as the user's picture; returns the page after the redirect."""
    client.force_login(user)

    def post(data: bytes, name: str = "me.png") -> str:
        with django_capture_on_commit_callbacks(execute=True):
            image = SimpleUploadedFile(name, data)
            return client.post(reverse("picture"), {"image": image}, follow=True).text

    return post


@pytest.mark.parametrize(
    "data",
    [
        *map(picture, ["JPEG", "PNG", "WEBP", "GIF"]),
        picture("JPEG", progressive=True),
        picture("MPO", save_all=True, append_images=[Image.new("RGB", (300, 200))]),
        picture("JPEG", size=(4000, 3000)),
    ],
    ids=["JPEG", "PNG", "WEBP", "GIF", "progressive", "MPO", "JPEG of 12 MP"],
)
def test_an_upload_is_stored_as_a_square_webp_picture(upload, user, folder, data):
    page = upload(data)
    assert "Your picture was changed." in page
    assert user.picture.image.url in page
    (path,) = folder.iterdir()
    assert path.suffix == ".webp"
    with Image.open(path) as image:
        assert (image.format, image.size) == ("WEBP", (256, 256))
        assert colour_at(image, 0, 0)[0] > 240


def test_a_picture_is_upright_and_has_no_metadata(upload, folder):
    exif = Image.Exif()
    exif[0x0112] = 8  # Orientation: rotated by 90 degrees
    exif[COPYRIGHT] = "a secret"
    halves = Image.new("RGB", (200, 200), "red")
    halves.paste("blue", (0, 0, 100, 200))
    halves.save(data := BytesIO(), "JPEG", exif=exif)
    assert b"a secret" in data.getvalue()
    upload(data.getvalue(), "me.jpg")
    (path,) = folder.iterdir()
    assert b"a secret" not in path.read_bytes()
    with Image.open(path) as image:
        assert colour_at(image, 128, 20)[0] > 200
        assert colour_at(image, 128, 236)[2] > 200


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", INVALID),
        (b"\x89PNG\r\n\x1a\n and then nothing", INVALID),
        (picture("JPEG", size=(2000, 2000))[:-1000], INVALID),
        (picture("BMP"), INVALID),
        (picture() + bytes(2_000_000), "This file is larger than 2 MB."),
        (picture(size=(3000, 3000)), "This picture has more than 8 megapixels."),
        (picture("JPEG", size=(5000, 4000)), "This picture has more than 16 megapixels."),
        (jpeg_of_many_scans(), "This picture takes too long to decode."),
        (b"", "The submitted file is empty."),
    ],
    ids=[
        *["SVG", "broken", "cut short", "BMP", "too large", "PNG of 9 MP", "JPEG of 20 MP"],
        *["many scans", "empty"],
    ],
)
def test_an_invalid_file_is_rejected_with_a_reason(upload, folder, data, message):
    assert message in upload(data)
    assert not Picture.objects.exists()
    assert not folder.exists()


def test_an_upload_is_rejected_while_others_are_decoded(upload, monkeypatch):
    monkeypatch.setattr("pictures.images.LOCK_TIMEOUT", 0.01)
    with DECODE_LOCK:
        assert "Please try again later." in upload(picture())
    assert "Your picture was changed." in upload(picture())


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
        bucket = {"BACKEND": "paas.bucket.Bucket", "OPTIONS": options}
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
