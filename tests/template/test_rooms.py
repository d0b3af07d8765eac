"""Which module of a project may import which.

``config`` imports anything; an app imports no other app, but for its tests. django-paas has tests of its own imports.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.assertions import own_files_of
from tests.harness.combinations import PACKAGE, PROJECT, TEMPLATE

APPS = {"pages", "pictures", "presence", "users", "welcome"}
ROOMS = {*APPS, "config", "conftest"}
# Not ready, or not to be read, while the settings are loaded.
NEEDS_SETTINGS = ("django.conf", "django.apps", "django.db", "django.contrib")


def module_of(path: Path, folder: Path) -> str:
    """The dotted name of a module, seen from the folder."""
    parts = path.relative_to(folder).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


README = PACKAGE / "README.md"
SOURCES = {module_of(path, PROJECT): path for path in own_files_of(PROJECT) if path.suffix == ".py"}
PACKAGE_SOURCES = {module_of(path, PACKAGE / "src"): path for path in PACKAGE.rglob("*.py")}


def nodes(tree: ast.AST, is_lazy_included: bool) -> Iterator[ast.AST]:
    """The nodes of a module; unless lazy ones are included, without the bodies of functions."""
    for node in ast.iter_child_nodes(tree):
        yield node
        if is_lazy_included or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from nodes(node, is_lazy_included)


def imports(module: str, is_lazy_included: bool) -> Iterator[str]:
    """The dotted names that a module imports: of ``from a import b`` both ``a`` and ``a.b``."""
    path = (SOURCES | PACKAGE_SOURCES)[module]
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in nodes(ast.parse(path.read_text()), is_lazy_included):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parent = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*parent, *([node.module] if node.module else [])])
            yield name
            yield from (f"{name}.{alias.name}" for alias in node.names)


def test_every_package_of_the_project_is_a_room():
    assert {module.partition(".")[0] for module in SOURCES} == {*ROOMS, "manage", "gunicorn"}


@pytest.mark.parametrize("room", sorted(APPS))
def test_an_app_imports_no_other_room(room):
    modules = [module for module in SOURCES if module.partition(".")[0] == room]
    assert modules
    modules.remove(f"{room}.tests")
    for module in modules:
        rooms = {name.partition(".")[0] for name in imports(module, True)} & ROOMS
        assert rooms <= {room}, module


def public_names() -> set[str]:
    """The names in the package's README: one without a dot is of the module of the one before."""
    section = README.read_text().partition("\n## Public names\n")[2].partition("\n## ")[0]
    found, module = set(), ""
    for name in re.findall(r"`([\w.]+)`", section):
        if "." in name:
            module = name.rpartition(".")[0]
        found.add(name if "." in name else f"{module}.{name}")
    return found


def names_of_the_package(path: Path) -> Iterator[str]:
    """What a module of the project imports of the package, and names in strings, as settings do."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == "paas":
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"^paas\.[\w.]+\w$", node.value)


@pytest.mark.parametrize("module", sorted(SOURCES))
def test_the_project_uses_the_public_names_of_the_package(module):
    """Others may change in any version. A module that is listed is public, with what is in it."""
    public = public_names()
    for name in names_of_the_package(SOURCES[module]):
        is_listed = name.rpartition(".")[0] in public
        assert is_listed or any(f"{each}.".startswith(f"{name}.") for each in public), name


def closure(module: str) -> dict[str, set[str]]:
    """The modules of project and package that importing one imports, with all that each imports."""
    found: dict[str, set[str]] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in SOURCES | PACKAGE_SOURCES and name not in found:
            found[name] = set(imports(name, False))
            # Importing a.b imports a first.
            waiting += [*found[name], name.rpartition(".")[0]]
    return found


def test_what_settings_import_needs_no_settings_models_or_apps():
    found = closure("config.settings")
    assert {"config", "config.settings", "paas", "paas.logs"} <= set(found)
    assert [module for module in found if module.partition(".")[0] in APPS] == []
    for module, names in found.items():
        assert [name for name in names if name.startswith(NEEDS_SETTINGS)] == [], module


def test_the_tool_imports_its_dependencies_only():
    """No Django, no test tool, and nothing of the template."""
    tool = TEMPLATE / "rehearse"
    paths = [path for path in tool.rglob("*.py") if not {"inside", "tests"} & {*path.parts}]
    own = tomllib.loads((TEMPLATE / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.match(r"[\w-]+", line)[0].replace("-", "_") for line in own}
    known = names - {"pyyaml"} | {"yaml", "rehearse"} | set(sys.stdlib_module_names)
    found = {
        name.partition(".")[0]
        for path in paths
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert found - known == set()
    assert known - found <= set(sys.stdlib_module_names)


def test_every_section_of_settings_has_a_heading_with_a_link():
    source = (PROJECT / "config/settings.py").read_text()
    sections = re.sub(r"^ *# <%.*\n", "", source, flags=re.MULTILINE).split("\n\n")
    first = next(i for i, text in enumerate(sections) if text.startswith("BASE_DIR = "))
    assert sections[-1] == "env.seal()\n"
    sections = sections[first + 1 : -1]
    assert len(sections) > 15
    for section in sections:
        heading = section.strip("\n").partition("\n")[0]
        assert re.fullmatch(r"# [A-Z].*: https://[\w.-]+/\S*", heading), heading
