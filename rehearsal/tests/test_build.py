"""A sound project is built; one that was broken on purpose is not, and told why in a sentence."""

import re
import venv
from pathlib import Path

import pytest

from rehearsal.buildpack import BuildFailed, check_python_version
from rehearsal.combinations import EACH_PLATFORM, SERVERS, for_combinations
from rehearsal.platforms import PLATFORMS, Platform
from rehearsal.site import Site

for_each_platform = for_combinations(EACH_PLATFORM)
for_heroku = for_combinations(
    [answers for answers in EACH_PLATFORM if answers["platform"] == "heroku"]
)


@pytest.fixture
def platform(project, tmp_path) -> Platform:
    """A copy of the project on its platform, to be broken."""
    return PLATFORMS[project.answers["platform"]](project.checkout(tmp_path.name))


def refusal(platform: Platform) -> str:
    """Build where the platform must refuse to: what it says. Fails if the project is built."""
    with pytest.raises(BuildFailed) as failure:
        platform.build()
    return str(failure.value)


def append(path: Path, line: str) -> None:
    path.write_text(f"{path.read_text()}{line}\n")


def repin(requirements: Path, package: str, line: str) -> None:
    """Write ``line`` in place of the package's own."""
    text = requirements.read_text()
    text, replaced = re.subn(rf"^{package}==.*$", line, text, flags=re.MULTILINE)
    assert replaced == 1
    requirements.write_text(text)


def test_the_build_installs_what_production_needs_and_collects_static_files(deployment):
    server = deployment.platform.command("web").split()[0]
    assert (deployment.platform.programs / server).exists()
    assert not (deployment.platform.programs / "pytest").exists()
    assert (deployment.platform.folder / "staticfiles/staticfiles.json").exists()


@for_each_platform
@pytest.mark.parametrize("path", [".venv", "venv", ".heroku/python"])
def test_a_committed_environment_is_refused(platform, path):
    venv.create(platform.folder / path)
    assert re.fullmatch(rf"{re.escape(path)}\S* is committed: .+", refusal(platform))


@for_each_platform
@pytest.mark.parametrize("name", ["Pipfile.lock", "poetry.lock", "uv.lock"])
def test_the_files_of_two_package_managers_are_refused(platform, name):
    (platform.folder / name).touch()
    printed = refusal(platform)
    assert "keep one package manager's file" in printed
    assert {name, "requirements.txt"} < set(printed.split())


@for_each_platform
def test_a_pipfile_without_its_lock_is_refused(platform):
    (platform.folder / "Pipfile").touch()
    assert refusal(platform) == "Pipfile has no Pipfile.lock beside it."


@for_each_platform
def test_a_project_without_any_package_manager_s_file_is_refused(platform):
    (platform.folder / "requirements.txt").unlink()
    assert re.fullmatch(r"None of .*requirements\.txt.* is there: add one\.", refusal(platform))


@for_each_platform
@pytest.mark.parametrize("asked", ["3.13", "python-3", "python 3.13", "python-3.13 # new", ""])
def test_a_malformed_runtime_txt_is_refused(platform, asked):
    (platform.folder / "runtime.txt").write_text(asked)
    assert refusal(platform).startswith("runtime.txt must say python-3.13 or ")


@for_each_platform
@pytest.mark.parametrize("asked", ["python-3.13", "3", "'3.13'", "3.13 # new", "3.13\n3.12", "#"])
def test_a_malformed_python_version_is_refused(platform, asked):
    (platform.folder / "runtime.txt").unlink()
    (platform.folder / ".python-version").write_text(asked)
    assert refusal(platform).startswith(".python-version must say 3.13 or ")


@for_each_platform
@pytest.mark.parametrize("version", ["2.7", "3.9", "3.99"])
def test_an_unsupported_python_is_refused(platform, version):
    sentence = f"asks for Python {version}, which is not supported."
    (platform.folder / "runtime.txt").write_text(f"python-{version}.1")
    assert refusal(platform) == f"runtime.txt {sentence}"
    (platform.folder / "runtime.txt").unlink()
    (platform.folder / ".python-version").write_text(version)
    assert refusal(platform) == f".python-version {sentence}"


@for_each_platform
@pytest.mark.parametrize("asked", ["3.14", "3.13.9", "\n# The newest.\n 3.14 \n"])
def test_a_python_version_may_have_comments_and_a_patch(platform, asked):
    (platform.folder / "runtime.txt").unlink()
    (platform.folder / ".python-version").write_text(asked)
    check_python_version(platform.folder)


@for_each_platform
def test_python_version_counts_only_without_a_runtime_txt(platform):
    (platform.folder / ".python-version").write_text("nonsense")
    check_python_version(platform.folder)
    (platform.folder / "runtime.txt").unlink()
    with pytest.raises(BuildFailed):
        check_python_version(platform.folder)


@for_each_platform
def test_a_requirement_that_does_not_exist_is_refused(platform):
    # A version, as a package that does not exist could be published tomorrow.
    repin(platform.folder / "requirements.txt", "django", "django==99")
    printed = refusal(platform)
    assert printed.startswith("requirements.txt cannot be installed:")
    assert "no version of django==99" in printed


@for_each_platform
@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        ("config/settings.py", "import os; os.environ['SECRET_KEY']", "KeyError: 'SECRET_KEY'"),
        ("static/site.css", "body { background: url(missing.png) }", "missing.png"),
    ],
)
def test_settings_that_need_a_variable_and_styles_that_miss_a_file_are_refused(
    platform, path, text, reason
):
    append(platform.folder / path, text)
    printed = refusal(platform)
    assert printed.startswith("The static files cannot be collected:")
    assert reason in printed


@for_heroku
def test_a_procfile_without_a_web_process_is_refused(platform):
    (platform.folder / "Procfile").write_text("worker: python manage.py work\n")
    assert refusal(platform) == "Procfile has no web process."


@for_heroku
@pytest.mark.parametrize("line", ["web", "web gunicorn", "web:", "# served by gunicorn"])
def test_a_procfile_line_that_is_no_name_and_command_is_refused(platform, line):
    append(platform.folder / "Procfile", line)
    assert refusal(platform) == f"Procfile: {line!r} is no 'name: command'."


@for_combinations(SERVERS)
def test_a_server_missing_from_the_requirements_does_not_boot(platform, project, services):
    server = project.answers["server"].partition("-")[2]
    repin(platform.folder / "requirements.txt", server, "")
    platform.build()
    site = Site(platform, platform.environment(services, project.database))
    missing = rf"{server}: not found|No module named '{server}'"
    with pytest.raises(RuntimeError, match=rf"did not boot:\n(.|\n)*\b({missing})"), site:
        pass
