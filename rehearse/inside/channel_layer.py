"""Join a group and print what comes, or send to it: by the variable REHEARSAL_ROLE."""

import asyncio
import os

from channels.layers import get_channel_layer

GROUP, MESSAGE = "rehearsal", {"type": "rehearsal.message"}


async def receive(layer):
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    print("ready", flush=True)
    await layer.receive(channel)
    print("received", flush=True)


async def send(layer):
    for _ in range(3):
        await layer.group_send(GROUP, MESSAGE)
    print("sent", flush=True)


async def main():
    layer = get_channel_layer()
    if layer is None:
        print("no layer", flush=True)
    elif os.environ["REHEARSAL_ROLE"] == "receive":
        await receive(layer)
    else:
        await send(layer)


asyncio.run(main())
