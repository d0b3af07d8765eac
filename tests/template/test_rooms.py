"""Which module of a project may import which, and what importing its settings does.

``config`` imports anything; apps import ``paas``; ``paas`` imports Django, libraries and itself.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.combinations import TEMPLATE, by_name, for_combinations
from rehearsal.processes import bare_environment, run

PROJECT = TEMPLATE / "{{cookiecutter.project_slug}}"
DEFAULT = by_name("heroku-asgi-daphne")
APPS = {"pages", "pictures", "presence", "users", "welcome"}
ROOMS = {*APPS, "config", "conftest", "paas", "tests"}
# Not ready, or not to be read, while the settings are loaded.
NEEDS_SETTINGS = ("django.conf", "django.apps", "django.db", "django.contrib")
MAX_SETTINGS_LINES = 220


def module_of(path: Path) -> str:
    """The dotted name of a module of the project."""
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_of(path): path for path in PROJECT.rglob("*.py")}


def nodes(tree: ast.AST, is_lazy_included: bool) -> Iterator[ast.AST]:
    """The nodes of a module; unless lazy ones are included, without the bodies of functions."""
    for node in ast.iter_child_nodes(tree):
        yield node
        if is_lazy_included or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from nodes(node, is_lazy_included)


def imports(module: str, is_lazy_included: bool) -> Iterator[str]:
    """The dotted names that a module imports: of ``from a import b`` both ``a`` and ``a.b``."""
    path = SOURCES[module]
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in nodes(ast.parse(path.read_text()), is_lazy_included):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parent = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*parent, *([node.module] if node.module else [])])
            yield name
            yield from (f"{name}.{alias.name}" for alias in node.names)


def rooms_imported(module: str) -> set[str]:
    """The top-level packages of the project that a module imports, inside functions too."""
    return {name.partition(".")[0] for name in imports(module, True)} & ROOMS


def modules_in(room: str) -> list[str]:
    return [module for module in SOURCES if module.partition(".")[0] == room]


def test_every_package_of_the_project_is_a_room():
    assert {module.partition(".")[0] for module in SOURCES} == {*ROOMS, "manage", "gunicorn"}


def test_paas_imports_nothing_else_of_the_project():
    modules = modules_in("paas")
    assert len(modules) > 50
    assert {
        module: rooms for module in modules if (rooms := rooms_imported(module) - {"paas"})
    } == {}


@pytest.mark.parametrize("app", sorted(APPS))
def test_an_app_imports_paas_and_no_other_app(app):
    allowed = {app, "paas"}
    modules = modules_in(app)
    assert {
        module: rooms for module in modules if (rooms := rooms_imported(module) - allowed)
    } == {}


def closure(module: str) -> dict[str, set[str]]:
    """The modules of the project that importing one imports, with all that each imports."""
    found: dict[str, set[str]] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in SOURCES and name not in found:
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


@pytest.fixture
def run_python(project, tmp_path_factory):
    """Run Python code in a copy of the project, after writing ``files``; returns what it prints."""
    folder = project.checkout(tmp_path_factory.mktemp("settings").name)
    environment = bare_environment(project.environment("requirements-dev.txt"), folder)

    def run_command(command: str, files: dict[str, str] | None = None, **variables: str) -> str:
        for name, text in (files or {}).items():
            (folder / name).write_text(text)
        return run(command, folder, environment | variables)

    return run_command


IMPORT_SETTINGS = """
import sys
from environs import EnvValidationError

try:
    import config.settings
except EnvValidationError as error:
    print(sorted(error.error_messages))
print([name for name in sys.modules if name.partition(".")[0] == "sentry_sdk"])
"""


@for_combinations(DEFAULT)
def test_importing_settings_neither_exits_nor_starts_sentry(run_python):
    files = {"import_settings.py": IMPORT_SETTINGS}
    invalid = {"DEBUG": "perhaps", "WEB_THREADS": "0"}
    dsn = {"SENTRY_DSN": "https://key@sentry.example/1"}
    assert run_python("python import_settings.py", files, **dsn) == "[]\n"
    assert run_python("python import_settings.py", files, **dsn, **invalid) == (
        "['DEBUG', 'WEB_THREADS']\n[]\n"
    )


@for_combinations(DEFAULT)
def test_a_module_of_paas_may_import_models(run_python, project):
    """The settings import paas, so that such an import once ended every command."""
    source = (project.folder / "paas/health.py").read_text()
    changed = source.replace(
        "import structlog\n", "import structlog\nfrom users.models import User\n"
    )
    assert changed != source
    printed = run_python("python manage.py check", {"paas/health.py": changed}, DEBUG="true")
    assert "System check identified no issues" in printed


@for_combinations(DEFAULT)
def test_settings_are_short(project):
    lines = (project.folder / "config/settings.py").read_text().splitlines()
    assert len(lines) <= MAX_SETTINGS_LINES


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
