"""The runtime library of a Django project on a platform. README.md lists settings and public names.

==============  ==============================================================================
``accounts``    login, sign-up, lockout, second factor, sessions and mail of accounts
``asgi``        Django under ASGI: request handler, graceful shutdown, WebSockets
``celery``      Celery's settings, queue and tables: tasks that survive deployments
``checks``      deploy checks; one of your own is a function with ``@environment_check``
``db``          DATABASES from the environment, pool and budget of connections, query timeout
``logs``        JSON lines, one per request, and Sentry
``platforms``   each platform's headers and commands; the client's address and the request's id
``presence``    who is online
``site``        health checks, security headers, static files, robots.txt and error pages
``storage``     uploads in a bucket, and images
``testing``     a WebSocket client and a web process, for a project's tests
==============  ==============================================================================

``startup`` is what every entry point calls, ``wsgi`` is Django under WSGI, ``conf`` has the settings
that this package reads, ``env`` makes some of environment variables, ``limits`` bounds requests.
"""
