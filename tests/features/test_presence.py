"""Who is online, on two processes: a page of one shows changes at the other."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

from websockets import InvalidStatus

from tests.harness.combinations import SERVERS, for_combinations, is_asgi
from tests.harness.sockets import (
    close_code,
    get_ticket,
    is_change,
    receive_until,
    rejection_status,
    shows,
)
from tests.harness.waiting import wait_until

pytestmark = for_combinations([*filter(is_asgi, SERVERS)])


def test_two_processes_agree_on_who_is_online(page, other_site, people):
    bob = people.log_in(other_site, "bob")
    receive_until(page, is_change(bob.name, "logged in"))
    socket = people.open(other_site, bob)
    assert receive_until(page, is_change(bob.name, "came online"))["online"] is True
    assert receive_until(socket, shows(bob.name, True))
    assert re.search(f'class="online"><span class="name">{bob.name}<', bob.get("/presence/").text)
    socket.close()
    assert receive_until(page, is_change(bob.name, "went offline"))["online"] is False


def log_in_and_out(people, *sites) -> float:
    """Log in, open a page at each site and log out; returns the seconds until all are closed."""
    began, bob = time.monotonic(), people.log_in(sites[0], "bob")
    sockets = [people.open(site, bob) for site in sites]
    bob.submit("/accounts/logout/", page="/")
    assert [close_code(socket) for socket in sockets] == [4401] * len(sites)
    return time.monotonic() - began


def test_logout_closes_the_websockets_of_the_session_on_every_process(site, other_site, people):
    """At once, so not by a heartbeat: the next comes 13.5 seconds later at the earliest."""
    log_in_and_out(people, other_site, site)
    wait_until(lambda: log_in_and_out(people, other_site, site) < 13, "sockets that close at once")


def test_ticket_needs_no_origin_of_the_site(site, people):
    """An app's; the recipe trusts its origin to ask for a ticket."""
    bob = people.log_in(site, "bob")
    bob.headers["Origin"] = "capacitor://localhost"
    for origin in (bob.headers["Origin"], "ionic://localhost", "file://", "null"):
        people.open(site, **get_ticket(bob) | {"origin": origin})
    bob.headers["Origin"] = "ionic://localhost"
    assert bob.post("/ticket/").status_code == 403


def test_ticket_opens_one_websocket_on_one_process(site, other_site, people, services, project):
    def show(site) -> int:
        try:
            people.open(site, **ticket)
        except InvalidStatus as rejected:
            return rejected.response.status_code
        return 101

    ticket, sites = get_ticket(people.log_in(site, "bob")), [site, other_site]
    with ThreadPoolExecutor(len(sites)) as threads:
        # Both have found the ticket, and wait to delete it.
        with services.postgres.locked(project.database, "django_session", "SHARE"):
            shown = [threads.submit(show, each) for each in sites]
            wait_until(lambda: services.postgres.held_up(project.database) >= 2, "both deletions")
        assert sorted(each.result() for each in shown) == [101, 403]
    assert rejection_status(site, **ticket) == 403
