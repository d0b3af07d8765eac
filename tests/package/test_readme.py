"""The README's tables of settings and of public names: what this package promises."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

from django.conf import global_settings

import paas
from paas.conf import DEFAULTS

SOURCE = Path(paas.__file__).parent
README = (SOURCE.parents[1] / "README.md").read_text()
# In another process: a module may patch a server, or connect signal receivers.
IMPORT = """
import django, importlib, sys
django.setup()

def resolve(name):
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not error.name.startswith("paas"):  # of an extra that is not installed
            raise
    module, _, attribute = name.rpartition(".")
    return getattr(resolve(module), attribute)

for name in sys.argv[1:]:
    try:
        resolve(name)
    except ModuleNotFoundError as error:
        print(error.name)
"""


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


def test_every_public_name_can_be_imported():
    names = public_names()
    assert {"paas.startup.setup", "paas.startup.load_settings"} < set(names)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "example.settings"}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    command = [sys.executable, "-c", IMPORT, *names]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
