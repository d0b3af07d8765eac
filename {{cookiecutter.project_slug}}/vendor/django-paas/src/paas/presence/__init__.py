"""Who is online: a user is online while one of their pages has a WebSocket open.

Each open WebSocket has a row of ``OpenWebSocket`` in the database, so all processes agree, and a
restarted process needs no history.

- A row is deleted when its WebSocket closes. It expires EXPIRY_SECONDS after it was last renewed.
- Each heartbeat of a server process (``paas.asgi.heartbeat``) renews, in one query, the rows of
  the clients that answered the last ping. It then deletes expired rows: those of killed processes.
- So a user whose client or server fails is offline within 60 seconds.

The channel layer sends each change to all pages at once. It may lose messages while Redis is
unavailable, so a heartbeat sends a snapshot to each page that may have missed one.
"""
