"""The client for load records how each request ended, so that no lost one is missed."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from rehearse import load
from rehearse.load import Answer, Client, Outcome
from rehearse.services import free_port

HEADERS = {"Host": "example.com"}
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
LAST = WHOLE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


class Server:
    """A server that gives each connection these responses, one a request, and then closes it."""

    def __init__(self, *responses: bytes):
        self.responses, self.connections = responses, 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        for response in self.responses:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(response)
        writer.close()

    async def answers(self, requests: int = 1) -> list[Answer]:
        """Send so many requests by one client."""
        server = await asyncio.start_server(self.handle, "127.0.0.1", 0)
        async with server:
            client = Client(server.sockets[0].getsockname()[1], HEADERS)
            answers = [await client.get("/") for _ in range(requests)]
            client.close()
        return answers


@pytest.mark.parametrize("response", [WHOLE, CHUNKED, LAST])
def test_a_whole_answer_is_complete(response):
    [answer] = asyncio.run(Server(response).answers())
    assert (answer.outcome, answer.status, answer.body) == (Outcome.COMPLETE, 200, b"hello")


@pytest.mark.parametrize("response", [WHOLE[:-1], CHUNKED[:-1], WHOLE[:10], b"no HTTP\r\n\r\n"])
def test_part_of_an_answer_is_cut_off(response):
    [answer] = asyncio.run(Server(response).answers())
    assert answer.outcome is Outcome.CUT_OFF


def test_no_answer_at_all_is_closed():
    assert asyncio.run(Server(b"").answers()) == [Answer(Outcome.CLOSED)]
    assert asyncio.run(Server(WHOLE, b"").answers(2))[1] == Answer(Outcome.CLOSED)


def test_a_port_without_a_server_is_refused():
    answer = asyncio.run(Client(free_port(), HEADERS).get("/"))
    assert answer == Answer(Outcome.REFUSED)


def test_an_answer_that_takes_too_long_is_late():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = Client(silent.getsockname()[1], HEADERS, seconds=0.2)
        assert asyncio.run(client.get("/")) == Answer(Outcome.LATE)


def test_a_connection_is_kept_while_the_server_keeps_it():
    server = Server(WHOLE, WHOLE, LAST)
    answers = asyncio.run(server.answers(requests=6))
    assert [answer.outcome for answer in answers] == [Outcome.COMPLETE] * 6
    assert server.connections == 2


def answer_once(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(WHOLE)


async def ask_twice(listener: socket.socket) -> list[Outcome]:
    """The outcomes of two requests: before the second the server closes the connection, which the
    event loop has had no time to notice.
    """
    client = Client(listener.getsockname()[1], HEADERS)
    with ThreadPoolExecutor(1) as server:
        answering = server.submit(answer_once, listener)
        outcomes = [(await client.get("/")).outcome]
        answering.result()
        server.submit(answer_once, listener)
        outcomes.append((await client.get("/")).outcome)
        if outcomes[1] is not Outcome.COMPLETE:  # the server still waits
            socket.create_connection(listener.getsockname()).close()
    client.close()
    return outcomes


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def test_a_connection_that_was_closed_while_idle_costs_no_request(listener):
    assert asyncio.run(ask_twice(listener)) == [Outcome.COMPLETE] * 2


def test_a_request_that_the_end_of_its_connection_crosses_is_not_sent(listener, monkeypatch):
    found, is_open = iter([True]), load.is_open
    monkeypatch.setattr(load, "is_open", lambda writer: next(found, None) or is_open(writer))
    assert asyncio.run(ask_twice(listener)) == [Outcome.COMPLETE, Outcome.NOT_SENT]
