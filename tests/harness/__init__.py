"""What tests and scripts of the template need beside ``rehearse``: baked projects and their visitors.

``combinations`` has every combination of answers, ``assertions`` what holds for each baked project,
``waiting`` the one way to wait. ``fixtures`` offers all this to pytest,
``summary`` prints the closing lines of a run.

``deployment`` a project of the template, built and released on its platform
``site``       a running web process of one, and its visitors
``existing``   a project of ``django-admin startproject`` that follows the package's steps
``checkouts``  developers' copies of a project, and contributors' of this repository
``views``      views of every other kind, from the package ``extra``
``streams``    server-sent events that stay open
``sockets``    pages that hold the presence page's WebSocket open
``presence``   people who are logged in, and the sockets of their pages
``browsing``   their browser windows, in ``chromium``
``worker``     a worker that sends a mail
``recipes``    code of documents, added to a project
``locked``     pages that wait while a test holds a table
``pgbouncer``  a pool of connections before PostgreSQL
``failures``   commands that have to fail
``terminal``   a person who answers questions in a terminal
``mail``       a mail server
``bucket``     an S3 server under the names of S3 and Spaces
``collector``  a service that collects errors, as Sentry does
"""
