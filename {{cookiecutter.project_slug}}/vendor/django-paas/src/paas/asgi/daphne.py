"""What Daphne has no option for, by public names of Twisted; under other servers these do nothing.

https://docs.twisted.org/en/stable/api/twisted.internet.interfaces.IReactorFDSet.html
"""

import asyncio
import sys
from collections.abc import Callable
from functools import partial
from weakref import WeakValueDictionary

from paas.conf import settings
from paas.limits import TOO_LARGE, sizes

# Seconds; Daphne has 60. Routers keep idle connections for 90, and a request that meets a closed one
# is lost.
KEEP_ALIVE_SECONDS = 95
# Between two looks at the body of a request that is incomplete.
CHECK_SECONDS = 0.02

# Twisted's, by the client's host and port.
channels: WeakValueDictionary = WeakValueDictionary()


def reactor():
    """Twisted's reactor, if it runs: then the server is Daphne."""
    found = sys.modules.get("twisted.internet.reactor")
    return found if found and found.running else None


class Connections:
    """Twisted's factory of Daphne's connections, with two attributes of each set."""

    def __init__(self, factory):
        self.factory = factory

    def __getattr__(self, name):
        return getattr(self.factory, name)

    def buildProtocol(self, address):
        channel = self.factory.buildProtocol(address)
        channel.timeOut = KEEP_ALIVE_SECONDS
        channel.requestFactory = partial(make_request, channel.requestFactory)
        return channel


def make_request(make: Callable, channel, *arguments):
    # Django parses forms. Twisted would do so too, before Daphne calls the application: a form of
    # 100 MB took 1,200 MB of memory.
    request = make(channel, *arguments, parsePOSTFormSubmission=False)
    peer = channel.transport.getPeer()
    channels[getattr(peer, "host", ""), getattr(peer, "port", 0)] = channel
    reactor().callLater(CHECK_SECONDS, check_size, channel, request)
    return request


def check_size(channel, request) -> None:
    """Disconnect a client that sends more than any view takes: Daphne would put it all into memory."""
    if request.content and request.content.tell() > max(settings.MAX_BODY_SIZE, *sizes, 0):
        TOO_LARGE.log("")
        channel.transport.abortConnection()
    elif request in channel.requests:
        reactor().callLater(CHECK_SECONDS, check_size, channel, request)


def set_up() -> None:
    """Have Daphne use Connections."""

    def wrap():
        for port in listening_ports():
            port.factory = Connections(port.factory)

    # Daphne has imported it, and starts it after the application.
    if found := sys.modules.get("twisted.internet.reactor"):
        found.callLater(0, wrap)


def listening_ports() -> list:
    running = reactor()
    readers = running.getReaders() if running else []
    return [each for each in readers if hasattr(each, "stopListening")]


async def stop_accepting() -> None:
    """Close the listening socket: what comes later would be dropped when Daphne stops."""
    for port in listening_ports():
        if closing := port.stopListening():
            await closing.asFuture(asyncio.get_running_loop())


def is_busy() -> bool:
    """Whether a request is being received, which Daphne does before it calls us, or a response sent."""
    running = reactor()
    if not running:
        return False
    channels = [getattr(each, "protocol", None) for each in running.getReaders()]
    return bool(running.getWriters()) or any(getattr(each, "requests", ()) for each in channels)


def with_back_pressure(scope, send: Callable) -> Callable:
    """Have send() wait for a client that reads slowly; Daphne's puts the response into memory."""
    if not reactor():
        return send

    async def send_and_wait(message):
        await send(message)
        pause = 0.0
        while message.get("more_body") and is_unsent(scope.get("client")):
            await asyncio.sleep(pause)
            pause = min(pause + 0.001, 0.05)

    return send_and_wait


def is_unsent(client) -> bool:
    """Whether something for the client, a list of host and port, waits to be sent."""
    peers = [each.getPeer() for each in reactor().getWriters() if hasattr(each, "getPeer")]
    return any([getattr(peer, "host", ""), getattr(peer, "port", 0)] == client for peer in peers)


def disconnect(client) -> bool:
    """Disconnect the client of a response that has failed midway; False under other servers.

    From the error Daphne would make a second response, fail, and clean up after no later request.
    """
    if not reactor():
        return False
    if channel := channels.get(tuple(client or ())):
        channel.transport.abortConnection()
    return True


def without_root_path(scope):
    """Ignore the root path, which Daphne takes from any client: the header Daphne-Root-Path.

    A site that is below one has Django's FORCE_SCRIPT_NAME.
    """
    return scope | {"root_path": ""} if reactor() and "root_path" in scope else scope
