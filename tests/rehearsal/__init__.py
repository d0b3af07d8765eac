"""Play the platform against a baked project: build, release, start, ask and stop it as the
platform does, from the project's own files, on real servers.

``platforms``  what Heroku and App Platform read, set and run
``services``   PostgreSQL, Valkey and TLS, started here
``processes``  commands of the project and their logs, memory and end
``site``       a running web process, and visitors to it
``sockets``    pages that hold the presence page's WebSocket open
``router``     the platform's router, for browsers
"""
