"""The machinery: everything that makes this project run on its platform.

You need not edit it: what you may want to change is a setting in ``config/settings.py``. An update
of the template merges changes, so edits here may conflict. Apps import ``paas``; ``paas`` imports
Django, libraries and its own modules only.

======================  ==========================================================================
``checks.py``           deploy checks; a new one is a function with ``@environment_check``
``startup.py``          what every entry point calls: settings, apps, checks; ``apps.py`` is the app
``{{ cookiecutter.platform }}.py``{{ " " * (17 - cookiecutter.platform | length) }}the platform's headers, and how to set a variable there
``health.py``           ``/healthz`` and ``/readyz``; probes are in ``settings.READINESS_PROBES``
``logs.py``             the form of log lines; ``request_log.py`` logs one per request
``sentry.py``           error tracking, if ``SENTRY_DSN`` is set
``proxy_headers.py``    the client's address and the request's id, from the platform's router
``headers.py``          security headers that Django has no setting for
``middleware.py``       base class of middleware; WhiteNoise for async views
``limits.py``           body size, queue and send timeout; ``@max_body_size`` for one view
``database_url.py``     DATABASES from the environment, also through a connection pool
``connections.py``      how many connections PostgreSQL allows, and how many are in use
``database.py``         persistent connections without a query before each request
``timeouts.py``         status 503 for a query that takes longer than ``STATEMENT_TIMEOUT``
``sessions.py``         sessions in the database
``management/``         ``migrate``, which does not stall the site; ``lintmigrations``, ``startapp``
``mail.py``             SMTP, from ``EMAIL_URL``; ``mail_checks.py`` reports what is missing
``variables.py``        validators of environment variables
``presets.py``          settings of libraries, which ``config/settings.py`` imports
# <% if cookiecutter.__redis == "yes" %>
``redis.py``            the cache's connections, the probe of Redis; ``redis_checks.py`` its URL
# <% endif %>
# <% if cookiecutter.use_celery %>
``celery.py``           Celery's settings; ``task_log.py`` adds the request's id to its lines
``periodic.py``         periodic tasks run once, with several workers
``tasks.py``            sends the mail of pages by a worker; deletes expired sessions
``lost_tasks.py``       tasks that end their worker twice are set aside; ``models.py`` lists them
# <% endif %>
# <% if cookiecutter.use_s3_media %>
``bucket.py``           uploads in a private bucket; ``bucket_checks.py`` checks its variables
``media.py``            serves uploads in development
# <% endif %>
# <% if cookiecutter.__interface == "asgi" %>
``asgi/``               the request handler, graceful shutdown, and WebSockets: subclass
                        ``consumers.SessionConsumer``
# <% endif %>
# <% if cookiecutter.server == "asgi-daphne" %>
``servers/daphne.py``   Daphne with graceful shutdown and limits
# <% endif %>
# <% if cookiecutter.server == "wsgi-waitress" %>
``servers/waitress.py`` Waitress with graceful shutdown and limits
# <% endif %>
# <% if cookiecutter.__app_server == "gunicorn" %>
``servers/gunicorn*``   Gunicorn's worker, with graceful shutdown and limits; its settings are in
                        ``gunicorn.conf.py``
# <% endif %>
``tests/``              tests of the above
======================  ==========================================================================
"""
