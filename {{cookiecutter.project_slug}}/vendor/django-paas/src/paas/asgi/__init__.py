"""What an ASGI server runs: HTTP requests and WebSockets.

====================  ============================================================================
``shutdown.py``       the outermost application: ends requests, streams and WebSockets after SIGTERM
``daphne.py``         what Daphne has no option for
``handler.py``        Django's ASGI handler with limits. Its parts: ``incoming.py`` (body and
                      disconnect), ``threads.py``, ``connections.py`` (to the database) and
                      ``streaming.py`` (responses)
``websockets.py``     the middleware of every WebSocket, in one list
``consumers.py``      the base class of consumers: login, end of session, limits, heartbeat
``close_codes.py``    why a WebSocket was closed
``reject.py``         the application of a handshake that is rejected
``heartbeat.py``      pings clients, and finds sessions and accounts that have ended
``sessions.py``       closes the WebSockets of a session that logs out
``tickets.py``        opens WebSockets for clients without cookies
``channel_layer.py``  sends to groups of WebSockets, through Redis
``checks.py``         checks of the channel layer, and of middleware that cannot run async
====================  ============================================================================
"""
