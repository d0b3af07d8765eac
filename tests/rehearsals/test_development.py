"""What a developer types in a new project works as README.md says."""

import re

import httpx

from rehearse.platforms import PLATFORMS
from rehearse.services import free_port
from tests.harness.combinations import EACH_PLATFORM, for_combinations
from tests.harness.site import serve

each_platform = for_combinations(EACH_PLATFORM, apart="development")
one_project = for_combinations(EACH_PLATFORM[:1], apart="development")

SHOW_BLOG = """
from django.test import Client
client = Client(SERVER_NAME="localhost")
assert client.get("/blog/").text == "blog"
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
    assert "startapp" not in home.text
    assert re.search(r"/static/site\.[0-9a-f]{12}\.css", home.text)
    assert "default-src 'none'" in home.headers["Content-Security-Policy"]
    assert missing.status_code == 404
    assert "There is nothing at this address" in missing.text


@each_platform
def test_the_platform_s_web_command_runs_on_a_developer_s_machine(developer, project):
    """As `heroku local` runs it, with PORT, and with .env in the environment too."""
    platform, port = PLATFORMS[project.answers["platform"]](developer.folder), free_port()
    command = f"set -a; . ./.env; export PORT={port}; {platform.commands()['web']}"
    address = f"localhost:{port}"
    with serve(command, address, developer.folder, developer.environment) as url:
        assert httpx.get(f"{url}/").status_code == 200


@one_project
def test_the_home_page_of_development_says_how_to_add_an_app(developer):
    """In a terminal where PORT is set, as in cloud IDEs."""
    address = f"localhost:{free_port()}"
    command = f"python manage.py runserver --noreload {address}"
    environment = developer.environment | {"PORT": "8080"}
    with serve(command, address, developer.folder, environment) as url:
        home = httpx.get(f"{url}/").text
    [page, startapp] = re.findall("<code>(.+)</code>", home)
    assert (developer.folder / page).exists()
    developer.run(startapp)
    developer.replace("config/settings.py", '    "users",\n]', '    "users",\n    "blog",\n]')
    first = '    path("accounts/"'
    developer.replace("config/urls.py", first, f'    path("blog/", include("blog.urls")),\n{first}')
    developer.run("make check")
    assert "blog/tests.py ." in developer.run("pytest")
    developer.run_script(SHOW_BLOG)
