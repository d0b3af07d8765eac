"""How many pages a site serves in a second: a figure for the report that decides over nothing."""

import asyncio
import time

from combinations import COMBINATIONS, for_combinations
from rehearsal.load import Answer, Client, Outcome
from rehearsal.site import session_cookie

CLIENTS = 32
WARM_UP_SECONDS = 0.3
SECONDS = 0.7


async def visit(client: Client, until: float) -> list[tuple[float, Answer]]:
    """Ask for the home page again and again; each answer with the moment at which it was there."""
    answers = []
    while time.monotonic() < until:
        answer = await client.get("/")
        answers.append((time.monotonic(), answer))
    return answers


async def visit_from_all(clients: list[Client]) -> tuple[list[Answer], float]:
    """All the answers, and how many of them came in each second after the warm-up."""
    began = time.monotonic() + WARM_UP_SECONDS
    visits = [visit(client, began + SECONDS) for client in clients]
    answers = [answer for timed in await asyncio.gather(*visits) for answer in timed]
    for client in clients:
        client.close()
    counted = [moment for moment, _ in answers if began <= moment < began + SECONDS]
    return [answer for _, answer in answers], len(counted) / SECONDS


@for_combinations(COMBINATIONS)
def test_pages_are_complete_under_load(site, visitor, report):
    visitor.sign_up("busy")
    headers = dict(visitor.headers) | session_cookie(visitor.session)
    clients = [Client(site.port, headers) for _ in range(CLIENTS)]
    answers, requests_per_second = asyncio.run(visit_from_all(clients))
    assert answers
    for answer in answers:
        assert (answer.outcome, answer.status) == (Outcome.COMPLETE, 200)
        assert b"Welcome, busy." in answer.body
    report("requests/s", round(requests_per_second))
