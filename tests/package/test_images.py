"""Uploaded images, as a form's field gives them."""

from io import BytesIO

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from paas.storage import images
from paas.storage.images import DECODE_LOCK, validate_and_reencode

INVALID = "This file is not a JPEG, PNG, WebP or GIF picture."
COPYRIGHT = 0x8298


def picture(image_format: str = "PNG", size: tuple = (300, 200), **options) -> bytes:
    image = Image.new("RGB", size, "red")
    image.save(data := BytesIO(), image_format, **options)
    return data.getvalue()


def jpeg_of_many_scans() -> bytes:
    data = picture("JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + 50 * last + data[-2:]


def upload(data: bytes) -> bytes:
    content = validate_and_reencode(SimpleUploadedFile("me.png", data))
    assert vars(content)["content_type"] == "image/webp"
    return content.read()


def colour_at(image, x: int, y: int):
    return image.convert("RGB").getpixel((x, y))


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
def test_an_upload_becomes_a_square_webp_picture(data):
    with Image.open(BytesIO(upload(data))) as image:
        assert (image.format, image.size) == ("WEBP", (256, 256))
        assert colour_at(image, 0, 0)[0] > 240


def test_a_picture_is_upright_and_has_no_metadata():
    exif = Image.Exif()
    exif[0x0112] = 8  # Orientation: rotated by 90 degrees
    exif[COPYRIGHT] = "a secret"
    halves = Image.new("RGB", (200, 200), "red")
    halves.paste("blue", (0, 0, 100, 200))
    halves.save(data := BytesIO(), "JPEG", exif=exif)
    assert b"a secret" in data.getvalue()
    stored = upload(data.getvalue())
    assert b"a secret" not in stored
    with Image.open(BytesIO(stored)) as image:
        assert colour_at(image, 128, 20)[0] > 200
        assert colour_at(image, 128, 236)[2] > 200


REJECTED = {
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", INVALID),
    "broken": (b"\x89PNG\r\n\x1a\n and then nothing", INVALID),
    "cut short": (picture("JPEG", size=(2000, 2000))[:-1000], INVALID),
    "BMP": (picture("BMP"), INVALID),
    "GIF of 4,295 MP": (picture("GIF")[:6] + b"\xff" * 4 + picture("GIF")[10:], INVALID),
    "2 MB": (picture() + bytes(2_000_000), "This file is larger than 2 MB."),
    "PNG of 9 MP": (picture(size=(3000, 3000)), "This picture has more than 8 megapixels."),
    "JPEG of 20 MP": (
        picture("JPEG", size=(5000, 4000)),
        "This picture has more than 16 megapixels.",
    ),
    "scans": (jpeg_of_many_scans(), "This picture takes too long to decode."),
}


@pytest.mark.parametrize(("data", "message"), REJECTED.values(), ids=REJECTED)
def test_an_invalid_file_is_rejected_with_a_reason(data, message):
    with pytest.raises(ValidationError, match=message):
        upload(data)


def test_a_large_jpeg_is_decoded_at_a_fraction_of_its_size():
    with Image.open(BytesIO(picture("JPEG", size=(4000, 3000)))) as image:
        images.thumbnail(image)
        assert image.size == (1000, 750)


def test_an_upload_is_rejected_while_others_are_decoded(monkeypatch):
    monkeypatch.setattr(images, "LOCK_TIMEOUT", 0.01)
    with DECODE_LOCK, pytest.raises(ValidationError, match="Please try again later."):
        upload(picture())
    assert upload(picture())
