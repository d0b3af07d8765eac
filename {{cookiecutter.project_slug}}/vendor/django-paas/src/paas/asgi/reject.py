class RejectHandshake:
    """ASGI application: reject a WebSocket's handshake; the log has ``reason``."""

    def __init__(self, reason: str):
        self.reason = reason

    async def __call__(self, scope, receive, send):
        await receive()  # "websocket.connect"
        await send({"type": "websocket.close", "reason": self.reason})
