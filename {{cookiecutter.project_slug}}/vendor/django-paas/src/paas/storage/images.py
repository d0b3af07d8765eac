"""Uploaded images: validated, and encoded again as small WebP images.

https://pillow.readthedocs.io/en/stable/
"""

import threading
from io import BytesIO

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.utils.translation import gettext as _
from PIL import Image, ImageOps

# By format; decoding an image of this size takes up to 130 MB of memory.
MAX_MEGAPIXELS = {"JPEG": 16, "PNG": 8, "WEBP": 8, "GIF": 8}
MAX_MEGABYTES = 2
# A progressive JPEG has about ten scans; each takes as long to decode as the whole image.
MAX_SCANS = 50
# Pixels: the images that are stored are square.
SIZE = 256
# One image at a time: two would not fit in 512 MB beside the site.
DECODE_LOCK = threading.Lock()
LOCK_TIMEOUT = 5  # seconds


def validate_and_reencode(upload) -> ContentFile:
    """Return the uploaded image as a square WebP image. Raises ValidationError if it is not valid.

    Only the pixels are kept. EXIF data, such as where a photo was taken, and any other content of
    the file are not.
    """
    if upload.size > MAX_MEGABYTES * 1_000_000:
        raise ValidationError(_("This file is larger than %(size)s MB.") % {"size": MAX_MEGABYTES})
    if count_scans(upload) > MAX_SCANS:
        raise ValidationError(_("This picture takes too long to decode."))
    if not DECODE_LOCK.acquire(timeout=LOCK_TIMEOUT):
        raise ValidationError(_("Too many pictures are being uploaded. Please try again later."))
    try:
        with Image.open(upload, formats=list(MAX_MEGAPIXELS)) as image:
            # Pillow calls a JPEG with several images MPO, which some cameras write.
            limit = MAX_MEGAPIXELS[str(image.format).replace("MPO", "JPEG")]
            if image.width * image.height <= limit * 1_000_000:
                return thumbnail(image)
    except Exception as error:  # each decoder raises errors of its own
        raise ValidationError(_("This file is not a JPEG, PNG, WebP or GIF picture.")) from error
    finally:
        DECODE_LOCK.release()
    raise ValidationError(_("This picture has more than %(limit)s megapixels.") % {"limit": limit})


def count_scans(upload) -> int:
    """The number of scans of a JPEG; 0 for any other format."""
    data = upload.read()
    upload.seek(0)
    return data.count(b"\xff\xda") if data.startswith(b"\xff\xd8") else 0


def thumbnail(image: Image.Image) -> ContentFile:
    # draft() decodes a JPEG at a fraction of its size.
    image.draft("RGB", (2 * SIZE, 2 * SIZE))
    if image.mode == "P":  # Pillow resizes palette images without smoothing
        image = image.convert("RGBA")
    square = ImageOps.fit(image, (SIZE, SIZE))
    encoded = BytesIO()
    ImageOps.exif_transpose(square).convert("RGBA").save(encoded, "WEBP", quality=85)
    content = ContentFile(encoded.getvalue(), "picture.webp")
    # S3Storage sends it as Content-Type.
    content.content_type = "image/webp"  # type: ignore[attr-defined]
    return content
