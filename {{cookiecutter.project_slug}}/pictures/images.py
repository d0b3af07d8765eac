import threading
from io import BytesIO

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from PIL import Image, ImageOps

# What is taken, and its most megapixels: unpacked, these take up to 130 MB.
FORMATS = {"JPEG": 16, "PNG": 8, "WEBP": 8, "GIF": 8}
MOST_MEGABYTES = 2
# A progressive JPEG comes in some ten scans, each of which takes as long as the whole picture.
MOST_SCANS = 50
SIDE = 256
# Two at once would not fit in 512 MB beside the site.
UNPACKING = threading.Lock()
LONGEST_WAIT_SECONDS = 5


def as_picture(upload) -> ContentFile:
    """Make a square WebP picture of a file that someone uploaded.

    It is drawn anew from the upload's pixels, so whatever else was in there stays out: the place
    where it was taken, or a program in disguise. Raises ValidationError if it is no picture.
    """
    if upload.size > MOST_MEGABYTES * 1_000_000:
        raise ValidationError(f"This file is larger than {MOST_MEGABYTES} MB.")
    if scans_in(upload) > MOST_SCANS:
        raise ValidationError("This picture would take too long to unpack.")
    if not UNPACKING.acquire(timeout=LONGEST_WAIT_SECONDS):
        raise ValidationError("Too many pictures arrive just now. Please try again later.")
    try:
        with Image.open(upload, formats=list(FORMATS)) as image:
            # Cameras write MPO, too: a JPEG that holds several.
            most = FORMATS[str(image.format).replace("MPO", "JPEG")]
            if image.width * image.height <= most * 1_000_000:
                return draw(image)
    except Exception as error:  # each format fails in ways of its own
        raise ValidationError("This file is no JPEG, PNG, WebP or GIF picture.") from error
    finally:
        UNPACKING.release()
    raise ValidationError(f"This picture has more than {most} megapixels.")


def scans_in(upload) -> int:
    """How many scans a JPEG comes in; 0 of any other file."""
    data = upload.read()
    upload.seek(0)
    return data.count(b"\xff\xda") if data.startswith(b"\xff\xd8") else 0


def draw(image: Image.Image) -> ContentFile:
    # JPEG can be unpacked at a fraction of its size.
    image.draft("RGB", (2 * SIDE, 2 * SIDE))
    if image.mode == "P":  # a palette, which would be shrunk without smoothing
        image = image.convert("RGBA")
    square = ImageOps.fit(image, (SIDE, SIDE))
    drawn = BytesIO()
    ImageOps.exif_transpose(square).convert("RGBA").save(drawn, "WEBP", quality=85)
    content = ContentFile(drawn.getvalue(), "picture.webp")
    # Storage on S3 looks for it.
    content.content_type = "image/webp"  # type: ignore[attr-defined]
    return content
