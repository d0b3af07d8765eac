"""Play the platform against a baked project: build, release, start, ask and stop it as the
platform does, from the project's own files, on real servers.

``platforms``  what Heroku and App Platform read, set and run
``buildpack``  the build, and what it refuses
``bytecode``   compiled modules, which the environments share
``services``   PostgreSQL, Valkey and TLS, started here
``processes``  commands of the project and their logs, memory and end
``deployment`` a project, built and released there
``site``       a running web process, and visitors to it
``load``       a client that costs little, and tells how each request ended
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
``waiting`` the one way to wait. ``fixtures`` is what pytest gets of all this, ``summary`` how a run ends.
"""
