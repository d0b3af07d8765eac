"""The package knows no project, and imports only what its extras install."""

import ast
import re
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest

import paas

SOURCE = Path(paas.__file__).parent
MODULES = sorted(SOURCE.rglob("*.py"))
# The packages of a project of the template; a dotted name or a path of one is knowledge of it. But
# "users/" is also a folder of templates of paas.accounts.
PROJECT = r"\b(users(?!/email/|/\w+\.html)|config|pages|presence|welcome|pictures)(\.\w+\.|/)"
LINKS = re.compile(r"https?://\S+")
# Of import names, where they differ.
PACKAGES = {
    "allauth": "django-allauth",
    "PIL": "pillow",
    "axes": "django-axes",
    "channels_redis": "channels-redis",
    "storages": "django-storages",
}
LIBRARIES = {
    *("PIL", "allauth", "asgiref", "autobahn", "axes", "billiard", "boto3", "botocore", "celery"),
    *(
        "channels",
        "channels_redis",
        "daphne",
        "django",
        "environs",
        "gunicorn",
        "kombu",
        "psycopg",
        "redis",
    ),
    *(
        "pytest",
        "sentry_sdk",
        "storages",
        "structlog",
        "twisted",
        "uvicorn",
        "waitress",
        "whitenoise",
    ),
}


def imported(module: Path) -> set[str]:
    """The top-level packages that a module imports, relative imports aside."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").partition(".")[0])
    return found


def subclassed(module: Path) -> set[str]:
    """The top-level packages whose classes the module subclasses."""
    tree = ast.parse(module.read_text())
    packages: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            packages |= {each.asname or each.name: node.module or "" for each in node.names}
        elif isinstance(node, ast.Import):
            packages |= {each.asname or each.name: each.name for each in node.names}
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    bases = [ast.unparse(base).partition(".")[0] for node in classes for base in node.bases]
    return {packages[base].partition(".")[0] for base in bases if base in packages}


def test_packages_that_are_subclassed_have_an_upper_bound():
    project = tomllib.loads((SOURCE.parents[1] / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    bounds = {re.split(r"[^\w-]", line)[0] for line in lines if "<" in line}
    found = set().union(*map(subclassed, MODULES)) - sys.stdlib_module_names - {"paas"}
    assert {"daphne", "gunicorn", "waitress"} < found
    assert {PACKAGES.get(name, name) for name in found} - bounds == set()


def test_it_imports_django_libraries_and_itself():
    found = set().union(*map(imported, MODULES))
    assert {"django", "paas"} < found
    assert found - sys.stdlib_module_names - LIBRARIES == {"paas"}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_name_of_a_project_is_in_it(module):
    assert re.findall(PROJECT, LINKS.sub("", module.read_text())) == []
