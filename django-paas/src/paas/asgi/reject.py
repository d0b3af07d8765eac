class RejectHandshake:
    """ASGI application: refuse a WebSocket's handshake for that reason, which is logged."""

    def __init__(self, reason: str):
        self.reason = reason

    async def __call__(self, scope, receive, send):
        await receive()  # "websocket.connect"
        await send({"type": "websocket.close", "reason": self.reason})
