"""Rehearse a project: build, release, start, visit and stop it as its platform does, by the commands
in the project's own files, on real servers.

``command``    the command ``rehearse``
``run``        a whole rehearsal: its ``steps`` in order
``stage``      what steps share: the project, the servers, the web process
``findings``   what a step found out
``report``     text, JSON and HTML
``project``    the copy, its platform, its Python
``platforms``  what Heroku and App Platform read, set and run
``buildpack``  the build, and the projects that it rejects
``isolation``  what of this machine a project does not see
``services``   PostgreSQL, Valkey and TLS, started here
``processes``  commands of the project: their logs, memory and exit status
``web``        a running web process
``router``     the platform's router
``load``       an HTTP client that takes little CPU and records how each request ended
``visits``     many such clients, and all their requests
``raw``        a client that sends bytes as they are, and reads slowly or not at all
``peak``       the most memory, disk and connections of a web process
``inside``     what runs in the project's own Python
"""
