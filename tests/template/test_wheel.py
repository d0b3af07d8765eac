"""The wheel that every project installs is the machinery's source, and every name of it agrees."""

import json
import tomllib
from zipfile import ZipFile

from rehearsal.assertions import PROJECT
from rehearsal.combinations import TEMPLATE

SOURCE = TEMPLATE / "django-paas"
[WHEEL] = (PROJECT / "vendor").iterdir()
VERSION = tomllib.loads((SOURCE / "pyproject.toml").read_text())["project"]["version"]


def test_the_wheel_has_just_the_files_of_the_source():
    folder = SOURCE / "src"
    files = {path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    source = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    with ZipFile(WHEEL) as wheel:
        built = {name: wheel.read(name) for name in wheel.namelist() if "dist-info" not in name}
        [metadata] = [name for name in wheel.namelist() if name.endswith("/METADATA")]
        readme = (SOURCE / "README.md").read_text()
        assert readme in wheel.read(metadata).decode(), "run `make wheel`"
    assert built == source, "run `make wheel`"


def test_every_file_that_names_the_wheel_has_its_version():
    assert WHEEL.name == f"django_paas-{VERSION}-py3-none-any.whl"
    assert f'__version__ = "{VERSION}"' in (SOURCE / "src/paas/__init__.py").read_text()
    named = ("pyproject.toml", "requirements.txt", "requirements-dev.txt")
    for path in (*(PROJECT / name for name in named), TEMPLATE / "scripts/lock.py"):
        text = path.read_text()
        assert f"vendor/{WHEEL.name}" in text, path
        assert f"=={VERSION}" in text, path


def test_the_wheel_is_installed_by_its_path():
    """Until the package is on the index, anyone could register its name there."""
    assert json.loads((TEMPLATE / "cookiecutter.json").read_text())["__paas_from"] == "vendor"
