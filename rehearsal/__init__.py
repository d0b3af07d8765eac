"""Simulate the platform for a baked project: build, release, start, request and stop it as the
platform does, by the commands in the project's own files, on real servers.

``platforms``  what Heroku and App Platform read, set and run
``buildpack``  the build, and the projects that it rejects
``bytecode``   compiled modules, which the environments share
``services``   PostgreSQL, Valkey and TLS, started here
``processes``  commands of the project: their logs, memory and exit status
``deployment`` a project, built and released there
``site``       a running web process, and visitors to it
``load``       an HTTP client that takes little CPU and records how each request ended
``collector``  a service that collects errors, as Sentry does
``views``      views of every other kind, from the package ``extra``
``raw``        a client that sends bytes as they are, and reads slowly or not at all
``uploads``    large bodies in every framing
``limits``     a site with small limits
``peak``       the most memory, disk, threads and connections of a site
``streams``    server-sent events that stay open
``visitors``   clients behind the router, through deploys and faults
``presence``   people who are logged in, and the sockets of their pages
``browsing``   their browser windows
``sockets``    pages that hold the presence page's WebSocket open
``checkouts``  developers' copies of a project, and contributors' of this repository
``failures``   commands that have to fail
``worker``     a worker that sends a mail
``terminal``   a person who answers questions in a terminal
``mail``       a mail server
``bucket``     an S3 server under the names of S3 and Spaces
``router``     the platform's router, for browsers

``combinations`` has every combination of answers, ``assertions`` what holds for each baked project,
``waiting`` the one way to wait. ``fixtures`` offers all this to pytest,
``summary`` prints the closing lines of a run.
"""
