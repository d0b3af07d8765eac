"""Fixtures: the services, the baked projects, and their deployments."""

import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from rehearse.buildpack import install
from rehearse.platforms import PLATFORMS
from rehearse.services import Certificates
from tests.harness.checkouts import Checkout
from tests.harness.collector import Collector
from tests.harness.combinations import SERVERS, is_asgi, name_of, parameters, requirements_of
from tests.harness.deployment import Deployment
from tests.harness.recipes import TICKETS, follow, read_recipes
from tests.harness.services import Services
from tests.harness.views import add_views


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
        """Copy the project to a new folder named after ``purpose``; returns it."""
        return shutil.copytree(self.folder, self.folder.parent / purpose / self.folder.name)

    def environment(self, requirements: str) -> Path:
        """The ``bin`` folder of a virtual environment with the file ``requirements``."""
        environment = self.folder.parent / f"environment-{Path(requirements).stem}"
        if not environment.exists():
            install(requirements, self.folder, environment)
        return environment / "bin"


@pytest.fixture(scope="session", params=parameters(SERVERS))
def project(request, cookies_session) -> Project:
    baked = cookies_session.bake(extra_context=request.param)
    if baked.exception:
        raise baked.exception
    return Project(request.param, name_of(request.param), baked.project_path)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def services(tmp_path_factory, certificates):
    """PostgreSQL and Valkey, until the pytest-xdist worker ends."""
    folder = tmp_path_factory.mktemp("services")
    with Services.started(folder, certificates) as started:
        yield started


@pytest.fixture(scope="session")
def mail_server(certificates):
    from tests.harness.mail import MailServer  # not for tests that send none

    with MailServer(certificates) as server:
        yield server


@pytest.fixture
def mail(mail_server):
    """The mail server that the site and its worker send to, with no mail yet."""
    mail_server.reset()
    return mail_server


@pytest.fixture(scope="session")
def bucket(tmp_path_factory):
    from tests.harness.bucket import (
        Bucket,  # not for tests that upload nothing: moto takes a second
    )

    with Bucket(tmp_path_factory.mktemp("bucket")) as bucket:
        yield bucket


@pytest.fixture(scope="session")
def variables(project, services, mail_server, request) -> dict[str, str]:
    """What the owner of the project sets beside the platform, for the servers that run here."""
    # The CA stands for the public ones that every machine trusts.
    found = {"EMAIL_URL": mail_server.url, "SSL_CERT_FILE": str(services.authority)}
    if project.answers["use_s3_media"]:
        found |= request.getfixturevalue("bucket").environment
    return found


@pytest.fixture(scope="session")
def deployment(project, services, variables) -> Deployment:
    """The project built and released on its platform; with WebSockets, its owner has turned on
    tickets, by the recipe.

    The first release on this pytest-xdist worker creates the tables; those of other projects with
    the same tables start from a copy of its database.
    """
    postgres, released = services.postgres, f"released {requirements_of(project.answers)}"
    template = released if postgres.has_database(released) else "template1"
    postgres.create_database(project.database, template)
    folder = project.checkout("deployment")
    if is_asgi(project.answers):
        follow(Checkout(folder, {}), read_recipes("recipes.md")[TICKETS])
    platform = PLATFORMS[project.answers["platform"]](folder)
    deployment = Deployment.make(platform, services, project.database, **variables)
    if template != released:
        postgres.create_database(released, template=project.database)
    return deployment


@pytest.fixture(scope="session")
def sessions(deployment) -> list[str]:
    """The keys of the sessions of many people, each logged in once."""
    return deployment.make_sessions(51)


@pytest.fixture(scope="session")
def site(deployment):
    with deployment.site() as site:
        yield site


@pytest.fixture(scope="module")
def worker(deployment, project, services):
    """The worker that sends the mail of the pages, in a project that has one."""
    with ExitStack() as stack:
        if project.answers["use_celery"]:
            services.valkey.flush()  # tasks that other tests left
            stack.enter_context(deployment.worker())
        yield


@pytest.fixture(scope="session")
def extra_views(deployment) -> dict[str, str]:
    """Environment variables that add the views in tests/harness/extra, and set every HSTS setting."""
    hsts = {"SECURE_HSTS_INCLUDE_SUBDOMAINS": "true", "SECURE_HSTS_PRELOAD": "true"}
    return add_views(deployment) | hsts | {"SECURE_HSTS_SECONDS": "31536000"}


@pytest.fixture(scope="session")
def collector():
    """Where ``extra_site`` reports its errors."""
    with Collector() as collector:
        yield collector


@pytest.fixture(scope="session")
def extra_site(deployment, extra_views, collector):
    """A site of one process, with the views in tests/harness/extra beside the project's own."""
    changes = {"WEB_CONCURRENCY": "1", "EXTRA_MIDDLEWARE": "extra.middleware.hybrid"}
    with deployment.site(**extra_views, **changes, SENTRY_DSN=collector.dsn) as site:
        yield site


@pytest.fixture(scope="session")
def database(services, project) -> str:
    """The URL of the deployment's database."""
    return services.postgres.url(project.database)


@pytest.fixture
def hold_up(services, project):
    """A function of a table's name: a context manager in which every query to the table waits."""
    return partial(services.postgres.locked, project.database)


@pytest.fixture
def held_up(services, project):
    """A function that returns how many of the database's clients wait for a lock."""
    return partial(services.postgres.held_up, project.database)


@pytest.fixture
def visitor(site):
    with site.visitor() as visitor:
        yield visitor
