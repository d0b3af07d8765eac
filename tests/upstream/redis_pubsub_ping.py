"""redis-py: a Pub/Sub connection waits for no answer to its PING, so a dropped one is never noticed."""

import asyncio

from redis import RedisError
from redis.asyncio import Redis
from running import ADDRESS

SUBSCRIBED = b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"


async def go_silent(reader, writer) -> None:
    """Answer until a channel is subscribed to; then keep the connection, and answer no PING."""
    while b"SUBSCRIBE" not in (sent := await reader.read(65536)):
        writer.write(b"+PONG\r\n" if b"PING" in sent else b"+OK\r\n" * sent.count(b"*"))
    writer.write(SUBSCRIBED)
    await reader.read()


async def main() -> str:
    """Return the error of a client that listens for 6 s and asks each second whether Redis is there."""
    async with (
        await asyncio.start_server(go_silent, *ADDRESS),
        Redis(port=ADDRESS[1], protocol=2, health_check_interval=1) as client,
    ):
        pubsub = client.pubsub()
        await pubsub.subscribe("a")
        try:
            for _ in range(6):
                await pubsub.get_message(timeout=1)
        except RedisError as error:
            return str(error)
    return ""


if __name__ == "__main__":
    error = asyncio.run(main())
    print(error or "no error")
    assert error, "no answer to PING for 5 s, and no error"
