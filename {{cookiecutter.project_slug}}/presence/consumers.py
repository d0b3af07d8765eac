from paas.presence.consumers import PresenceConsumer

from presence.people import EVERYONE, broadcast, list_people


class PageConsumer(PresenceConsumer):
    """The WebSocket of an open page. Its user is online while it is open."""

    initial_groups = [EVERYONE]
    subprotocol = "presence"

    @classmethod
    def snapshot(cls):
        return {"type": "everyone", "people": list_people()}

    async def came_online(self, user):
        await broadcast(user, True, "came online")

    async def went_offline(self, user):
        await broadcast(user, False, "went offline")

    async def presence_change(self, message):
        """Handle the message ``presence.change`` that broadcast() sends to the group."""
        await self.send_change({"type": "change", **message["change"]})
