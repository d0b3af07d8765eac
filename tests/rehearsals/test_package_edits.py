"""The package in ``vendor/`` is the owner's to edit; test_update.py shows that updates keep the edits."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.harness.checkouts import Checkout
from tests.harness.combinations import by_name, for_combinations
from tests.harness.commands import developer_environment
from tests.harness.recipes import BLOCK, follow, read_recipes

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


# Vowels of the texts that makemessages finds change, but not those of tags, variables and escapes.
UNCHANGED_OR_VOWEL = re.compile(r"(<[^>]*>|%\(\w+\)s)|[aeiou]")
TAG_OR_SCRIPT = r"(?s)<script.*?</script>|<[^>]*>"
SHOW = """
import json

from django.conf import settings
from django.test import Client
from users.models import User

settings.DEBUG = False
settings.ALLOWED_HOSTS = ["testserver"]
user, _ = User.objects.get_or_create(username="ada", email="ada@example.com")
shown = {"en": "", "de": ""}
for language in shown:
    client = Client()
    for _ in ("a visitor", "a user"):
        for path in PATHS:
            page = client.get(path, headers={"Accept-Language": language}, follow=True)
            shown[language] += page.text
        client.force_login(user)
print()
print(json.dumps(shown))
"""
PATHS = ["/", "/accounts/login/", "/no/such/page", "/presence/", "/accounts/", "/accounts/email/"]


def translate(entry: re.Match) -> str:
    """Fill in an entry of a .po file; the first is its header."""
    text = entry[1]
    if text == '""\n':
        return entry[0]
    changed = UNCHANGED_OR_VOWEL.sub(lambda part: part[1] or "äëïöü"["aeiou".index(part[0])], text)
    return f"msgid {text}msgstr {changed}"


@default
def test_every_text_of_project_and_package_can_be_translated(developer):
    if not shutil.which("xgettext"):
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("There is no xgettext here: install Debian's package gettext.")
    recipe = read_recipes("recipes.md")["Another language"]
    follow(developer, recipe)
    find, compile_messages = [code for language, code in BLOCK.findall(recipe) if language == "sh"]
    developer.run(find)
    catalog = "locale/de/LC_MESSAGES/django.po"
    texts = developer.read(catalog)
    developer.write(catalog, re.sub(r'msgid ((?:".*"\n)+)msgstr ""\n', translate, texts))
    developer.run(compile_messages + "python manage.py migrate")
    pages = developer.run_script(SHOW.replace("PATHS", str(PATHS))).splitlines()[-1]
    texts = {
        language: {line.strip() for line in re.sub(TAG_OR_SCRIPT, "\n", text).splitlines()}
        for language, text in json.loads(pages).items()
    }
    same = {text for text in texts["en"] & texts["de"] if re.search("[a-z]{3}", text)}
    assert same == {"ada", "My Site"}
    assert '<html lang="de">' in json.loads(pages)["de"]
