"""A dry run of publishing: CONTRIBUTING.md's commands, and what release.yml builds, installed."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.metadata import Metadata
from uv import find_uv_bin

from rehearse.processes import bare_environment, run
from tests.harness.assertions import tracked
from tests.harness.checkouts import Checkout, contributor, copy_template
from tests.harness.combinations import PACKAGE, QUESTIONS, TEMPLATE, bake
from tests.harness.commands import run_script

# Of the template and its tool, and of the package.
VERSION = QUESTIONS["__version"]
PAAS = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]["version"]
SECTION = (TEMPLATE / "CONTRIBUTING.md").read_text().partition("\n## To publish\n")[2]
COMMANDS = "\n".join(re.findall(r"^```sh\n(.+?)^```$", SECTION, re.MULTILINE | re.DOTALL))


def uv(*words: str | Path) -> None:
    subprocess.run([find_uv_bin(), *map(str, words)], check=True, env=os.environ)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The folder with a source distribution and a wheel of the package, and of the tool."""
    home = tmp_path_factory.mktemp("publish")
    copy = Checkout(copy_template(home / "copy"), contributor(home))
    workflow = yaml.safe_load((TEMPLATE / ".github/workflows/release.yml").read_text())
    *_, copy_package, build, publish = (
        step["run"] for step in workflow["jobs"]["publish"]["steps"] if "run" in step
    )
    copy.run(f"{build.replace('package', '.')}\n{copy_package}\n{build}")
    [condition] = re.findall(r'"(dist/.+?)"', publish)
    assert (copy.folder / condition.replace("$GITHUB_REF_NAME", PAAS)).exists()
    return copy.folder / "dist"


def read_metadata(path: Path) -> bytes:
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            [name] = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
            return wheel.read(name)
    with tarfile.open(path) as archive:
        return archive.extractfile(f"{path.name.removesuffix('.tar.gz')}/PKG-INFO").read()


def test_each_file_has_valid_metadata_and_its_version(built):
    """What `twine check` looks at, and what the package index rejects."""
    paths = sorted([*built.glob("*.whl"), *built.glob("*.tar.gz")])
    assert [path.name.partition("-")[0] for path in paths] == [
        *["cookiecutter_django_paas"] * 2,
        *["django_paas"] * 2,
    ]
    for path in paths:
        metadata = Metadata.from_email(read_metadata(path), validate=True)
        assert str(metadata.version) == (PAAS if metadata.name == "django-paas" else VERSION)
        assert metadata.summary
        if metadata.name == "django-paas":
            assert metadata.description_content_type == "text/markdown"
            assert metadata.description.startswith("# django-paas")


def test_the_wheel_of_the_package_has_every_file_of_its_source(built):
    [path] = built.glob("django_paas-*.whl")
    with zipfile.ZipFile(path) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    source = PACKAGE / "src"
    files = tracked(source.relative_to(TEMPLATE).as_posix())
    assert names == {path.relative_to(source).as_posix() for path in files}


def test_the_source_distribution_has_the_template_and_both_install(built, tmp_path):
    [source] = built.glob("cookiecutter*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    template = tmp_path / source.name.removesuffix(".tar.gz")
    home = Checkout(tmp_path, contributor(tmp_path))
    home.run(f"cookiecutter --no-input -o from {template}\ndiff -r from/* {bake({}, tmp_path)}")
    # A project of a template that requires the package by its name.
    project = bake({"__paas_from": "index", "project_slug": "by_name"}, tmp_path)
    assert not (project / "vendor").exists()
    assert f"\ndjango-paas=={PAAS}\n" in (project / "requirements.txt").read_text()
    uv("venv", "--quiet", "--python", sys.executable, tmp_path / "environment")
    python = tmp_path / "environment/bin/python"
    [tool] = built.glob("cookiecutter*.whl")
    uv(
        *["pip", "install", "--quiet", "--python", python, "--find-links", built],
        *["-r", project / "requirements.txt", tool],
    )
    environment = bare_environment(python.parent, tmp_path)
    assert "usage: rehearse" in run("rehearse --help", tmp_path, environment)
    check = 'from django.core.management import call_command\ncall_command("check")'
    settings = {"DEBUG": "true", "SECRET_KEY": "s", "DATABASE_URL": "sqlite://"}
    assert "no issues" in run_script(check, project, environment | settings)


def test_the_commands_set_the_address_and_push_the_version(tmp_path):
    """With a folder in place of GitHub."""
    owner = Checkout(copy_template(tmp_path / "owners"), contributor(tmp_path))
    repository = tmp_path / "github/octocat/cookiecutter-django-paas.git"
    owner.run(f"git init --quiet --bare {repository}\ngit init --quiet --initial-branch main")
    owner.run(f"git config url.{tmp_path}/github/.insteadOf git@github.com:")
    owner.run(f"git add --all\ngit commit --quiet --message New\n{COMMANDS}")
    assert "uvx cookiecutter gh:octocat/cookiecutter-django-paas" in owner.read("README.md")
    assert owner.run("git status --short") == ""
    published = Checkout(repository, owner.environment)
    assert published.run("git rev-parse main") == owner.run(f"git rev-parse {VERSION}")


def test_until_then_projects_require_the_package_by_its_path():
    """Anyone could register the name. Set this to "index" once the package is published."""
    assert QUESTIONS["__paas_from"] == "vendor"
