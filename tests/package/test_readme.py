"""The README's tables of settings and of public names: what this package promises."""

import ast
import importlib
import re

import django
import pytest
from django.conf import global_settings

from example.production import README, SOURCE
from paas.conf import DEFAULTS


def test_the_readme_and_the_classifiers_name_the_django_that_is_locked():
    version = ".".join(map(str, django.VERSION[:2]))
    assert f"It needs Django {version} " in README
    assert f'"Framework :: Django :: {version}"' in (SOURCE.parent / "pyproject.toml").read_text()


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under the heading."""
    section = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [line.strip("| ").split(" | ") for line in lines]


def public_names() -> list[str]:
    """In full: a name without a dot is of the same module as the one before it."""
    found, module = [], ""
    for name in re.findall(r"`([\w.]+)`", " ".join(row[0] for row in rows("Public names"))):
        if "." in name:
            module = name.rpartition(".")[0]
        found.append(name if "." in name else f"{module}.{name}")
    return found


def test_the_settings_and_their_defaults_are_those_of_the_package():
    table = {name.strip("`"): default.strip("`") for name, _, default in rows("Settings")}
    assert {name: ast.literal_eval(default) for name, default in table.items()} == DEFAULTS


def test_every_setting_that_the_package_reads_is_django_s_or_named():
    sources = (path.read_text() for path in SOURCE.rglob("*.py") if path.name != "conf.py")
    found = set(re.findall(r"\bsettings(?:\.|, \")([A-Z_]+)\b", "".join(sources)))
    assert {"MAX_BODY_SIZE", "CHANNEL_LAYERS"} < found
    others = found - set(dir(global_settings))
    assert {name for name in others if not re.search(rf"`{name}\b", README)} == set()


def resolve(name: str):
    """The module, or the attribute of one, with that dotted path."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, attribute = name.rpartition(".")
        return getattr(resolve(module), attribute)


@pytest.mark.parametrize("name", public_names())
def test_a_public_name_can_be_imported(name):
    resolve(name)
