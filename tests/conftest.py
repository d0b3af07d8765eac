"""Fixtures: the services, the baked projects, and their deployments."""

import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from combinations import EACH_SERVER, SERVERS, bake, combination_in, name_of
from hypothesis import HealthCheck, Phase, settings
from rehearsal.bucket import Bucket
from rehearsal.buildpack import install
from rehearsal.deployment import Deployment
from rehearsal.platforms import PLATFORMS, Services
from rehearsal.router import IDLE_SECONDS
from rehearsal.services import Certificates, Postgres, TLSProxy, Valkey
from rehearsal.site import IdleConnection
from rehearsal.views import add_views
from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ["pytester", "report", "browsing"]

# For test_fuzz.py: in bounded time, also on failure; or at length, down to the shortest example.
# The first example may take long, as it reads Unicode's tables beside other tests.
settings.register_profile(
    "bounded",
    max_examples=16,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("explore", max_examples=500, deadline=None)
settings.load_profile("bounded")


@dataclass
class Project:
    """A baked project: its ``answers``, its ``name`` (the combination's) and its ``folder``."""

    answers: dict
    name: str
    folder: Path

    @property
    def database(self) -> str:
        return self.name.replace("-", "_")

    def checkout(self, purpose: str) -> Path:
        """A copy of the project to run in, as a platform makes one."""
        return shutil.copytree(self.folder, self.folder.parent / purpose / self.folder.name)

    def environment(self, requirements: str) -> Path:
        """The programs of a virtual environment with the file ``requirements``, made only once."""
        environment = self.folder.parent / f"environment-{Path(requirements).stem}"
        if not environment.exists():
            install(requirements, self.folder, environment)
        return environment / "bin"


# Slow test files. For the combinations in SPLIT they are a group of their own, so that another worker
# can run them. That worker deploys the combination a second time, which pays off only for these
# combinations: most tests are about them.
APART = {
    "account_pages",
    "accounts",
    "asgi_load",
    "asgi_requests",
    "browser",
    "budgets",
    "lock",
    "migrations",
    "operations",
    "presence",
    "relaxed_protections",
    "stop",  # after the others, as it stops their site
    "update",
}
SPLIT = [name_of(answers) for answers in SERVERS]


def is_apart(nodeid: str) -> bool:
    file = Path(nodeid.partition("::")[0]).stem
    return file.removeprefix("test_") in APART and combination_in(nodeid) in SPLIT


class ByCombination(LoadScopeScheduling):
    """Run a combination's tests on one worker, which bakes and deploys it once.

    In combinations of SPLIT, the test files in APART are a second group.
    """

    def _split_scope(self, nodeid: str) -> str:
        combination = combination_in(nodeid)
        return f"{combination} {is_apart(nodeid)}" if combination else nodeid


def pytest_addoption(parser):
    parser.addoption("--pictures", action="store_true", help="write the screenshots in docs/ anew")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Sort by combination and file, so that with ``-n0`` too each is baked and deployed once.

    Combinations with the most tests come first, or the run would end with one worker busy.
    """
    most = [*SPLIT, *map(name_of, EACH_SERVER)]

    def place(item):
        name = combination_in(item.nodeid) or ""
        rank = most.index(name) if name in most else len(most)
        stops_the_site = item.path.stem == "test_stop"
        return rank, name, stops_the_site, is_apart(item.nodeid), item.path, item.location[1]

    items.sort(key=place)


def pytest_xdist_auto_num_workers():
    """Two more than there are cores: tests often wait for a platform's pauses. With three more the
    cores are busy for 93 % of the run, and what is timed comes late.
    """
    return os.cpu_count() + 2


def pytest_xdist_make_scheduler(config, log):
    return ByCombination(config, log)


@pytest.fixture(scope="session", params=EACH_SERVER, ids=name_of)
def project(request, tmp_path_factory) -> Project:
    name = name_of(request.param)
    return Project(request.param, name, bake(request.param, tmp_path_factory.mktemp(name)))


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
        own_port, issued_port = (
            stack.enter_context(TLSProxy(valkey.port, *files)).port
            for files in (self_signed, issued)
        )
        yield Services(postgres, valkey, own_port, issued_port, certificates.ca)


@pytest.fixture(scope="session")
def deployment(project, services) -> Deployment:
    """The project built and released on its platform."""
    services.postgres.create_database(project.database)
    platform = PLATFORMS[project.answers["platform"]](project.checkout("deployment"))
    return Deployment.make(platform, services, project.database)


@pytest.fixture(scope="session")
def sessions(deployment) -> list[str]:
    """The keys of the sessions of many people, each logged in once."""
    return deployment.make_sessions(51)


@pytest.fixture(scope="session")
def site(deployment):
    with deployment.site() as site:
        yield site


@pytest.fixture(scope="session")
def extra_views(deployment) -> dict[str, str]:
    """What to change in the environment for the views in tests/rehearsal/extra."""
    return add_views(deployment)


@pytest.fixture(scope="session")
def idle_connection(site) -> IdleConnection:
    """One that is idle for longer than any router lets it be, while other tests go on."""
    return IdleConnection(site, IDLE_SECONDS + 1)


@pytest.fixture(scope="session")
def bucket(tmp_path_factory):
    with Bucket(tmp_path_factory.mktemp("bucket")) as bucket:
        yield bucket


@pytest.fixture
def visitor(site):
    with site.visitor() as visitor:
        yield visitor
