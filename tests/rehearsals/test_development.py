"""What a developer types in a new project works as README.md says."""

import html
import re

import httpx
import pytest

from rehearse.services import free_port
from tests.harness.combinations import EACH_PLATFORM, for_combinations
from tests.harness.site import serve

each_platform = for_combinations(EACH_PLATFORM, apart="development")
one_project = for_combinations(EACH_PLATFORM[:1], apart="development")

BLOG_URLS = """\
from django.urls import path

from pages.views import home

urlpatterns = [path("", home, name="blog")]
"""
SHOW_BLOG = """
from django.apps import apps
from django.test import Client
assert apps.is_installed("blog")
for path in ("/", "/blog/"):
    page = Client(SERVER_NAME="localhost").get(path).text
    assert "My Site" in page and "Next steps" not in page
"""


@each_platform
def test_make_prod_shows_pages_with_production_settings(developer):
    address = f"127.0.0.1:{free_port()}"
    command = f"make prod ADDRESS={address}"
    with serve(command, address, developer.folder, developer.environment) as url:
        home = httpx.get(f"{url}/")
        missing = httpx.get(f"{url}/no/such/page")
    assert home.status_code == 200
    assert "A preview of production" in home.text
    assert "Next steps" not in home.text
    assert re.search(r"/static/site\.[0-9a-f]{12}\.css", home.text)
    assert "default-src 'none'" in home.headers["Content-Security-Policy"]
    assert missing.status_code == 404
    assert "There is nothing at this address" in missing.text


@pytest.fixture
def next_steps(developer) -> str:
    """The home page in development."""
    address = f"localhost:{free_port()}"
    command = f"python manage.py runserver --noreload {address}"
    with serve(command, address, developer.folder, developer.environment) as url:
        return html.unescape(httpx.get(f"{url}/").text)


@each_platform
def test_next_steps_name_files_that_exist(developer, next_steps):
    for path in re.findall(r"<code>([\w/]+\.\w+)</code>", next_steps):
        assert (developer.folder / path).exists() or path == "next_steps.html", path
    assert "<pre><code>make prod</code></pre>" in next_steps
    assert "## Deploy\n" in developer.read("README.md")
    [platform] = re.findall(r"Deploy to (.+?)</h3>", next_steps)
    assert f">{platform}'s documentation</a>" in next_steps


@one_project
def test_app_added_by_the_next_steps_works(developer, next_steps):
    [startapp] = re.findall(r"<pre><code>(.+startapp blog)</code></pre>", next_steps)
    developer.run(startapp)
    developer.replace("config/settings.py", '    "users",\n]', '    "users",\n    "blog",\n]')
    first = '    path("accounts/"'
    developer.replace("config/urls.py", first, f'    path("blog/", include("blog.urls")),\n{first}')
    developer.write("blog/urls.py", BLOG_URLS)
    developer.run("sed -i /next_steps.html/d templates/pages/home.html")
    developer.write("blog/tests.py", "def test_it_is_collected(): pass\n")
    developer.run("make fix check")
    assert "blog/tests.py ." in developer.run("pytest")
    developer.run_script(SHOW_BLOG)


@one_project
def test_command_without_env_file_says_how_to_make_it(developer):
    (developer.folder / ".env").unlink()
    sentence, status = developer.run("python manage.py migrate || echo $?").splitlines()
    assert sentence.startswith("There is no .env file: type `cp .env.example .env`")
    assert status == "3"


SHOW_MENU = """
from django.test import Client
from users.models import User
visitor, user = Client(SERVER_NAME="localhost"), Client(SERVER_NAME="localhost")
user.force_login(User.objects.create_user("ada"))
for each in (visitor, user):
    page = each.get("/").text
    print("shown:", *[word for word in ("Above", "Below") if f">{word}</a>" in page])
"""


@one_project
def test_menu_item_below_the_line_in_the_readme_is_for_users(developer):
    [line] = re.findall(
        r"^\| a menu item .+ above `(.+?)`", developer.read("README.md"), re.MULTILINE
    )
    above, below = '<a href="/">Above</a>', '<a href="/">Below</a>'
    developer.replace("templates/menu.html", line, f"{above}\n{line}\n{below}")
    developer.run("python manage.py migrate")
    shown = re.findall(r"^shown: (.+)", developer.run_script(SHOW_MENU), re.MULTILINE)
    assert shown == ["Above", "Above Below"]
