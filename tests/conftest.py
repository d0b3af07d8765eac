"""Fixtures: the services, the baked projects, and the table at the end of a run."""

import shutil
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from combinations import COMBINATIONS, TEMPLATE, name_of
from cookiecutter.main import cookiecutter
from rehearsal.platforms import BUILD_COMMAND, PLATFORMS, Services
from rehearsal.processes import run
from rehearsal.services import Certificates, Postgres, TLSProxy, Valkey
from rehearsal.site import Site
from uv import find_uv_bin
from xdist.scheduler import LoadScopeScheduling


@dataclass
class Project:
    """A baked project: its ``answers``, its ``name`` (the combination's) and its ``folder``."""

    answers: dict
    name: str
    folder: Path

    def checkout(self, purpose: str) -> Path:
        """A copy of the project to run in, as a platform makes one."""
        return shutil.copytree(self.folder, self.folder.parent / purpose / self.folder.name)

    def environment(self, requirements: str) -> Path:
        """Make a virtual environment from the file ``requirements`` and return its programs."""
        environment = self.folder.parent / f"environment-{Path(requirements).stem}"
        uv = find_uv_bin()
        subprocess.run([uv, "venv", "-q", "--python", sys.executable, environment], check=True)
        install = [uv, "pip", "install", "-q", "--python", environment, "-r", requirements]
        subprocess.run(install, cwd=self.folder, check=True)
        return environment / "bin"


def bake(output: Path, **answers) -> Project:
    """Bake the template into ``output``; raises what Cookiecutter raises."""
    folder = cookiecutter(str(TEMPLATE), no_input=True, extra_context=answers, output_dir=output)
    return Project(answers, name_of(answers), Path(folder))


def combination_in(nodeid: str) -> str | None:
    """The combination that a test is about, from its id: ``...::test_it[heroku-asgi-daphne-1]``."""
    parameters = nodeid.partition("[")[2]
    return next((name for name in map(name_of, COMBINATIONS) if name in parameters), None)


class ByCombination(LoadScopeScheduling):
    """All tests of a combination on one worker, which bakes and boots it once."""

    def _split_scope(self, nodeid: str) -> str:
        return combination_in(nodeid) or nodeid


def pytest_addoption(parser):
    parser.addoption("--pictures", action="store_true", help="write the screenshots in docs/ anew")


def pytest_xdist_make_scheduler(config, log):
    return ByCombination(config, log)


@pytest.fixture(scope="session", params=COMBINATIONS, ids=name_of)
def project(request, tmp_path_factory) -> Project:
    return bake(tmp_path_factory.mktemp(name_of(request.param)), **request.param)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def services(tmp_path_factory, certificates):
    """PostgreSQL and Valkey, for as long as the worker lives."""
    folder = tmp_path_factory.mktemp("services")
    with ExitStack() as stack:
        postgres = stack.enter_context(Postgres(folder, certificates))
        valkey = stack.enter_context(Valkey(folder))
        self_signed = (certificates.self_signed_certificate, certificates.self_signed_key)
        issued = (certificates.certificate, certificates.key)
        ports = [
            stack.enter_context(TLSProxy(valkey.port, *files)).port
            for files in (self_signed, issued)
        ]
        yield Services(postgres, valkey, *ports, authority=certificates.ca)


@pytest.fixture(scope="session")
def deployment(project, services):
    """The project built and released on its platform: the platform and the environment it sets."""
    database = project.name.replace("-", "_")
    services.postgres.create_database(database)
    platform = PLATFORMS[project.answers["platform"]](
        project.checkout("deployment"), project.environment("requirements.txt")
    )
    run(BUILD_COMMAND, platform.folder, platform.build_environment())
    environment = platform.environment(services, database)
    release_log = run(platform.command("release"), platform.folder, environment)
    return platform, environment, release_log


@pytest.fixture(scope="session")
def site(deployment):
    platform, environment, _ = deployment
    with Site(platform, environment) as site:
        yield site


@pytest.fixture
def visitor(site):
    with site.visitor() as visitor:
        yield visitor


@pytest.fixture
def report(record_property):
    """Put a figure under ``column`` into the combination's row of the table that ends the run."""

    def put(column: str, figure: str) -> None:
        record_property("figure", (column, figure))

    return put


def pytest_terminal_summary(terminalreporter):
    rows = {}
    for outcome in ("passed", "failed", "error"):
        for test in terminalreporter.stats.get(outcome, []):
            if name := combination_in(test.nodeid):
                row = rows.setdefault(name, {})
                row.update(value for key, value in test.user_properties if key == "figure")
                row["result"] = row.get("result", outcome) if outcome == "passed" else "FAILED"
    if rows:
        terminalreporter.section("combinations")
        terminalreporter.write_line(table(rows))


def table(rows: dict[str, dict]) -> str:
    """The rows as a Markdown table, in the order of the combinations."""
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    columns.sort(key="result".__eq__)
    lines = [["combination", *columns], ["---"] * (len(columns) + 1)]
    for name in filter(rows.get, map(name_of, COMBINATIONS)):
        lines.append([name, *(str(rows[name].get(column, "")) for column in columns)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    cells = [
        [cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)
