"""The package in ``vendor/`` is the owner's to edit; test_update.py shows that updates keep the edits."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from uv import find_uv_bin

from rehearse.processes import developer_environment
from tests.harness.checkouts import Checkout
from tests.harness.combinations import by_name, for_combinations

VENDOR = "vendor/django-paas"
MODULE = f"{VENDOR}/src/paas/__init__.py"
LOCK = "requirements-dev.txt"
INSTALL = {
    "pip": (f"{sys.executable} -m venv environment", f"environment/bin/pip install -q -r {LOCK}"),
    "uv": ("uv venv -q environment", f"uv pip install -q --python environment -r {LOCK}"),
}
default = for_combinations(by_name("heroku-asgi-daphne"), apart="edits")


@default
@pytest.mark.parametrize("installer", INSTALL)
def test_an_edit_of_the_package_takes_effect_once_it_is_installed_again(
    project, installer, tmp_path
):
    """On Heroku too, which restores the installed packages and then installs by pip."""
    folder = project.checkout(tmp_path.name)
    programs = f"{Path(find_uv_bin()).parent}:{os.environ['PATH']}"
    make, install = INSTALL[installer]
    owner = Checkout(folder, os.environ | {"PATH": programs})
    owner.run(f"{make}\n{install}")
    site = Checkout(folder, developer_environment(folder / "environment/bin", folder))
    shutil.copy(folder / ".env.example", folder / ".env")
    for number in ("1", "2"):
        owner.append(MODULE, f"EDIT = {number}\n")
        owner.run(install)
        assert site.run_script("import paas; print(paas.EDIT)").split() == [number]


BAD = """\
from django.utils.translation import gettext as _
def  test_of_the_package( ):
    text: int = _("Of the package.")
    assert False
"""
OWN = 'from django.utils.translation import gettext as _\n\nGREETING = _("Of the project.")\n'


@default
def test_the_tools_of_the_project_leave_the_package_alone(developer):
    bad = f"{VENDOR}/test_bad.py"
    developer.write(bad, BAD)
    developer.write("pages/greeting.py", OWN)
    developer.run("make fix check")
    assert developer.read(bad) == BAD
    assert "test_of_the_package" not in developer.run("pytest --collect-only --quiet")


@default
def test_makemessages_leaves_the_package_alone(developer):
    if not shutil.which("xgettext"):
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("There is no xgettext here: install Debian's package gettext.")
    developer.write(f"{VENDOR}/bad.py", BAD)
    developer.write("pages/greeting.py", OWN)
    developer.run("mkdir locale\npython manage.py makemessages --locale de")
    messages = developer.read("locale/de/LC_MESSAGES/django.po")
    assert "Of the project." in messages
    assert "vendor/" not in messages
