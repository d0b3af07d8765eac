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
``faults``     views that raise
``downloads``  views of large responses
``views``      views of every other kind, from the package ``extra``
``uploads``    bodies that are too large, or never end
``peak``       the peak of memory and connections of a site
``streams``    server-sent events that stay open
``visitors``   clients behind the router, through deploys and faults
``sockets``    pages that hold the presence page's WebSocket open
``mail``       a mail server
``bucket``     an S3 server under the names of S3 and Spaces
``router``     the platform's router, for browsers
"""
