"""Fixtures: people who are logged in at one of two processes, and the sockets of their pages."""

from contextlib import ExitStack

import pytest
from websockets.sync.client import ClientConnection

from tests.harness.site import Site, Visitor, new_name
from tests.harness.sockets import open_socket, receive_until


@pytest.fixture(scope="session")
def other_site(deployment):
    """A second process of the same project, as a second dyno or instance would be."""
    with deployment.site() as site:
        yield site


class People(ExitStack):
    """People who are logged in, and their open sockets; leaving it closes all."""

    def log_in(self, site: Site, name: str) -> Visitor:
        """Someone new, who is logged in as they sign up; their ``name`` begins with that one."""
        visitor = self.enter_context(site.visitor())
        assert visitor.sign_up(new_name(name)).headers["Location"] == "/presence/"
        return visitor

    def open(self, site: Site, visitor: Visitor | None = None, **options) -> ClientConnection:
        """As open_socket()."""
        return self.enter_context(open_socket(site, visitor, **options))


@pytest.fixture
def people():
    with People() as people:
        yield people


@pytest.fixture
def page(people, site):
    """The socket of someone's open page, which has received the list of who is online."""
    socket = people.open(site, people.log_in(site, "ada"))
    receive_until(socket, lambda message: message["type"] == "everyone")
    return socket
