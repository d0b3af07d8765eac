"""The package knows no project, and imports only what its extras install."""

import ast
import re
import sys
from pathlib import Path

import pytest

import paas

SOURCE = Path(paas.__file__).parent
MODULES = sorted(SOURCE.rglob("*.py"))
# The packages of a project of the template; a dotted name or a path of one is knowledge of it. But
# "users/" is also a folder of templates of paas.accounts.
PROJECT = r"\b(users(?!/email/|/\w+\.html)|config|pages|presence|welcome|pictures)(\.\w+\.|/)"
LINKS = re.compile(r"https?://\S+")
# Of the servers only Daphne is among them, for its `runserver`.
LIBRARIES = {
    *("PIL", "allauth", "asgiref", "axes", "billiard", "boto3", "botocore", "celery", "channels"),
    *("channels_redis", "daphne", "django", "environs", "kombu", "psycopg", "pytest", "redis"),
    *("sentry_sdk", "storages", "structlog", "whitenoise"),
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


def private_names(module: Path) -> set[str]:
    """Names that begin with "_", of attributes and imports, and modules named "internal"."""
    names = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.ImportFrom):
            names |= {*(node.module or "").split("."), *(name.name for name in node.names)}
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "setattr"):
            names.add(ast.unparse(node.args[1]).strip("'"))
    return {name for name in names if re.match("_[^_]|internal$", name)}


def test_it_uses_no_private_name():
    # https://docs.djangoproject.com/en/stable/ref/models/meta/
    assert set().union(*map(private_names, MODULES)) == {"_meta"}


def test_an_upper_bound_is_a_major_version_and_names_what_it_is_for():
    text = (SOURCE.parents[1] / "pyproject.toml").read_text()
    code = "".join(module.read_text() for module in MODULES)
    bounds = re.findall(r'"([\w-]+)[^"]*?<([\d.]+)"(?:,?  # (.+))?', text)
    assert len(bounds) == text.count("<")
    for package, version, reason in bounds:
        names = re.findall("`(.+?)`", reason)
        assert version.isdecimal(), package
        assert names, package
        assert [name for name in names if name not in code] == [], package


def test_it_imports_django_libraries_and_itself():
    found = set().union(*map(imported, MODULES))
    assert {"django", "paas"} < found
    assert found - sys.stdlib_module_names - LIBRARIES == {"paas"}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_name_of_a_project_is_in_it(module):
    assert re.findall(PROJECT, LINKS.sub("", module.read_text())) == []
