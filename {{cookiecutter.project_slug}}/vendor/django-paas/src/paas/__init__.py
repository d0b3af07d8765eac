"""The runtime library of a Django project on a platform. README.md lists settings and public names.

==================  ==============================================================================
``checks``          deploy checks; a new one is a function with ``@environment_check``
``conf``            the settings that this package reads, and their defaults
``startup``         what every entry point calls: settings, apps, checks
``heroku``          the platform's headers, and how to set a variable there; ``digitalocean`` too
``health``          ``/healthz`` and ``/readyz``
``logs``            the form of log lines; ``request_log`` logs one per request
``proxy_headers``   the client's address and the request's id, from the platform's router
``limits``          body size, queue and send timeout; ``@max_body_size`` for one view
``database_url``    DATABASES from the environment, also through a connection pool
``timeouts``        status 503 for a query that takes longer than ``STATEMENT_TIMEOUT``
``accounts``        limits on logins, and password hashes
``asgi``            the request handler, graceful shutdown, and WebSockets
``servers``         Daphne, Gunicorn and Waitress with graceful shutdown and limits
``worker``          the tables of Celery's tasks; ``celery``, ``tasks``, ``periodic``, ``lost_tasks``
``testing``         a WebSocket client and a web process, for a project's tests
==================  ==============================================================================
"""

__version__ = "0.4.0"
