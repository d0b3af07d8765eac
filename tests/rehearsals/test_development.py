"""What a developer types in a new project works as README.md says."""

import html
import re
import shlex
import subprocess

import httpx
import pytest

from rehearsal.combinations import EACH_PLATFORM, by_name, for_combinations
from rehearsal.processes import bare_environment, run
from rehearsal.services import free_port
from rehearsal.site import serve

BLOG_URLS = """\
from django.urls import path
from django.views.generic import TemplateView

urlpatterns = [
    path("", TemplateView.as_view(template_name="pages/home.html"), name="blog"),
]
"""
FIND_BLOG = """
from django.apps import apps
from django.urls import reverse
assert apps.is_installed("blog")
assert reverse("blog") == "/blog/"
"""


@pytest.fixture
def folder(project, tmp_path):
    return project.checkout(tmp_path.name)


@pytest.fixture
def environment(project, folder):
    return bare_environment(project.environment("requirements-dev.txt"), folder)


@for_combinations(EACH_PLATFORM)
def test_make_prod_shows_pages_with_production_s_settings(folder, environment):
    address = f"127.0.0.1:{free_port()}"
    with serve(f"make prod ADDRESS={address}", address, folder, environment) as url:
        home = httpx.get(f"{url}/")
        missing = httpx.get(f"{url}/no/such/page")
    assert home.status_code == 200
    assert "A preview of production" in home.text
    assert "Next steps" not in home.text
    assert re.search(r"/static/site\.[0-9a-f]{12}\.css", home.text)
    assert "default-src 'none'" in home.headers["Content-Security-Policy"]
    assert missing.status_code == 404
    assert "There is nothing at this address" in missing.text


def home_page(folder, environment) -> str:
    """The home page in development."""
    address = f"localhost:{free_port()}"
    command = f"python manage.py runserver --noreload {address}"
    with serve(command, address, folder, environment) as url:
        return httpx.get(f"{url}/").text


def insert(path, before: str, line: str) -> None:
    """Put a line into the file before the one that begins so."""
    text = path.read_text()
    assert text.count(f"    {before}") == 1, before
    path.write_text(text.replace(f"    {before}", f"    {line},\n    {before}"))


@for_combinations(EACH_PLATFORM)
def test_the_next_steps_of_the_home_page_do_what_they_say(folder, environment):
    (folder / ".env").write_text((folder / ".env.example").read_text())
    page = html.unescape(home_page(folder, environment))
    for path in re.findall(r"<code>([\w/]+\.\w+)</code>", page.replace("next_steps.html", "")):
        assert (folder / path).exists(), path
    startapp, prod = re.findall(r"<pre><code>(.+)</code></pre>", page)
    assert prod == "make prod"
    assert "## Deploy\n" in (folder / "README.md").read_text()
    [platform] = re.findall(r"Deploy to (.+?)</h3>", page)
    assert f">{platform}'s documentation</a>" in page

    run(startapp, folder, environment)
    [path] = re.findall(r"<code>(path\(.+\))</code>", page)
    insert(folder / "config/settings.py", '"users",', '"blog"')
    insert(folder / "config/urls.py", 'path("accounts/"', path)
    (folder / "blog/urls.py").write_text(BLOG_URLS)
    home = folder / "templates/pages/home.html"
    lines = [line for line in home.read_text().splitlines() if "next_steps.html" not in line]
    home.write_text("\n".join([*lines, ""]))
    run("make check && pytest tests/test_pages.py", folder, environment)
    run(f"python manage.py shell -v 0 -c {shlex.quote(FIND_BLOG)}", folder, environment)
    assert "Next steps" not in home_page(folder, environment)


@for_combinations(by_name("heroku-wsgi-waitress"))
def test_without_env_a_command_says_what_to_do_and_nothing_more(folder, environment):
    command = "python manage.py migrate"
    done = subprocess.run(
        command.split(), cwd=folder, env=environment, check=False, capture_output=True, text=True
    )
    assert done.returncode == 3
    [sentence] = done.stderr.splitlines()
    assert sentence.startswith("There is no .env file: type `cp .env.example .env`")


@for_combinations(by_name("heroku-wsgi-waitress"))
def test_git_ignores_the_lock_that_uv_run_writes(folder, environment):
    (folder / "uv.lock").touch()
    run("git init --quiet && git add --all", folder, environment)
    assert "uv.lock" not in run("git ls-files", folder, environment).split()
