"""What a developer types in a new project works as README.md says."""

import re
import subprocess

import httpx
import pytest
from combinations import EACH_PLATFORM, by_name, for_combinations
from rehearsal.processes import Process, bare_environment, run
from rehearsal.services import free_port
from rehearsal.site import BOOT_SECONDS, answers


@pytest.fixture
def folder(project, tmp_path):
    return project.checkout(tmp_path.name)


@pytest.fixture
def environment(project, folder):
    return bare_environment(project.environment("requirements-dev.txt"), folder)


@pytest.fixture
def preview(folder, environment):
    """The address of a running `make prod`."""
    address = f"127.0.0.1:{free_port()}"
    with Process(f"make prod ADDRESS={address}", folder, environment) as process:
        process.wait_until(lambda: answers(f"http://{address}/"), BOOT_SECONDS)
        yield f"http://{address}"


@for_combinations(EACH_PLATFORM)
def test_make_prod_shows_pages_with_production_s_settings(preview):
    home = httpx.get(f"{preview}/")
    missing = httpx.get(f"{preview}/no/such/page")
    assert home.status_code == 200
    assert "A preview of production" in home.text
    assert re.search(r"/static/site\.[0-9a-f]{12}\.css", home.text)
    assert "default-src 'none'" in home.headers["Content-Security-Policy"]
    assert missing.status_code == 404
    assert "There is nothing at this address" in missing.text


@for_combinations(by_name("heroku-wsgi-waitress"))
def test_a_new_app_passes_the_checks(folder, environment):
    (folder / ".env").write_text((folder / ".env.example").read_text())
    run("python manage.py startapp blog", folder, environment)
    run("make check", folder, environment)


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
