"""A project with responses of DOWNLOAD_BYTES, for clients that do not read them."""

from pathlib import Path

DOWNLOAD_BYTES = 50_000_000
# What a client sees of them: a page in one piece, a stream of parts, and a file.
DOWNLOADS = ["/download/page/", "/download/stream/", "/download/file/"]
URLS = """
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.urls import include, path

from config.urls import handler500

SIZE = {size}
PART = b"x" * 50_000


def page(request):
    return HttpResponse(b"x" * (SIZE // 10))


def stream(request):
    return StreamingHttpResponse(PART for _ in range(SIZE // len(PART)))


def file(request):
    return FileResponse(open("download.bin", "rb"))


urlpatterns = [
    path("download/page/", page),
    path("download/stream/", stream),
    path("download/file/", file),
    path("", include("config.urls")),
]
"""
SETTINGS = """
from config.settings import *

ROOT_URLCONF = "downloads_urls"
"""


def add_downloads(folder: Path) -> dict[str, str]:
    """Add the views to the project; returns what to change in the environment to use them."""
    (folder / "downloads_urls.py").write_text(URLS.format(size=DOWNLOAD_BYTES))
    (folder / "downloads_settings.py").write_text(SETTINGS)
    with (folder / "download.bin").open("wb") as file:
        file.truncate(DOWNLOAD_BYTES)
    return {"DJANGO_SETTINGS_MODULE": "downloads_settings"}
