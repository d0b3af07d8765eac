"""Static files: small ones from memory, and what WhiteNoise does for the others."""

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import CommandError, call_command
from django.http import HttpResponseNotFound
from django.template.loader import render_to_string

from paas.checks.production import check_static_files
from paas.site.middleware import MAX_CACHED_FILE, StaticFilesMiddleware

SMALL, LARGE = b"p { color: red }", b"x" * (MAX_CACHED_FILE + 1)


@pytest.fixture
def folder(tmp_path, settings):
    settings.STATIC_ROOT = tmp_path
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = False
    (tmp_path / "small.css").write_bytes(SMALL)
    (tmp_path / "small.css.gz").write_bytes(b"compressed")
    (tmp_path / "large.css").write_bytes(LARGE)
    return tmp_path


@pytest.fixture
def get(folder, rf, db):  # closing a response looks at the connections
    """A function that sends a request for a file, and returns the response and its body."""
    middleware = StaticFilesMiddleware(lambda request: HttpResponseNotFound())

    def get(name, method="GET", **headers):
        response = middleware(rf.generic(method, f"/static/{name}", headers=headers))
        body = response.getvalue()
        response.close()
        return response, body

    return get


def test_a_small_file_is_read_once(get, folder):
    first, content = get("small.css")
    (folder / "small.css").unlink()
    again, content_again = get("small.css")
    assert content == content_again == SMALL
    assert first.headers == again.headers
    assert first.headers["Content-Type"] == 'text/css; charset="utf-8"'
    assert first.headers["Content-Length"] == str(len(SMALL))


def test_a_large_file_is_read_from_the_disk(get):
    response, content = get("large.css")
    assert response.streaming
    assert content == LARGE


def test_a_file_that_changes_is_read_again_in_development(folder, settings, request):
    settings.WHITENOISE_AUTOREFRESH = True
    get = request.getfixturevalue("get")
    assert get("small.css")[1] == SMALL
    (folder / "small.css").write_bytes(SMALL * 2)
    assert get("small.css")[1] == SMALL * 2


def test_a_browser_gets_what_it_asked_for(get):
    response, content = get("small.css", **{"Accept-Encoding": "gzip"})
    assert (response.headers["Content-Encoding"], content) == ("gzip", b"compressed")
    response, content = get("small.css", Range="bytes=0-0, -1")
    assert (response.status_code, content) == (200, SMALL)
    response, content = get("small.css", Range="bytes=2-4")
    assert (response.status_code, content) == (206, SMALL[2:5])
    response, content = get("small.css", **{"If-None-Match": response.headers["ETag"]})
    assert (response.status_code, content) == (304, b"")
    response, content = get("small.css", "HEAD")
    assert (response.headers["Content-Length"], content) == (str(len(SMALL)), b"")
    assert get("small.css", "POST")[0].status_code == 405
    assert get("other.css")[0].status_code == 404


HASHED = "paas.storage.static.StaticFiles"
PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"


@pytest.fixture(params=[HASHED, PLAIN])
def production(request, tmp_path, settings):
    """Production's static files; none is collected."""
    settings.DEBUG, settings.STATIC_ROOT = False, tmp_path / "collected"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": request.param}}
    settings.STATICFILES_DIRS = [tmp_path / "static"]
    (tmp_path / "static").mkdir()
    (tmp_path / "static/page.css").write_text("p { color: red }")
    return tmp_path / "static"


def test_static_files_that_are_not_collected_fail_the_release_and_no_page(production):
    [error] = check_static_files()
    assert (error.id, error.msg.partition(",")[0]) == (
        "paas.E029",
        "Static files are not collected",
    )
    assert "/static/site.css" in render_to_string("400.html")
    call_command("collectstatic", interactive=False, verbosity=0)
    assert check_static_files() == []


@pytest.mark.parametrize("production", [HASHED], indirect=True)
def test_only_a_file_that_is_collected_has_a_hash_in_its_url(production):
    call_command("collectstatic", interactive=False, verbosity=0)
    assert staticfiles_storage.url("page.css").startswith("/static/page.")
    assert staticfiles_storage.url("page.css") != "/static/page.css"
    assert staticfiles_storage.url("pgae.css") == "/static/pgae.css"


@pytest.mark.parametrize("production", [HASHED], indirect=True)
@pytest.mark.parametrize(
    ("name", "content"),
    [("a.css", "p { background: url(no.png) }"), ("a.js", "//# sourceMappingURL=a.js.map")],
)
def test_a_reference_to_a_missing_file_ends_the_build(production, name, content):
    (production / name).write_text(content)
    with pytest.raises(CommandError, match="could not be found"):
        call_command("collectstatic", interactive=False, verbosity=0)
