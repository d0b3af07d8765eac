"""No platform: no router sets headers, so none is trusted. A platform's module has the same names.

``settings.PLATFORM`` names the module: ``paas.platforms.heroku``, ``paas.platforms.digitalocean``, or one of yours.
"""

# For the next steps on a home page, in development.
NAME = "this server"
DOCUMENTATION = "https://docs.djangoproject.com/en/stable/howto/deployment/"
# An environment variable that every process of the platform has, and no other machine.
OWN_VARIABLE: str | None = None
# The router's header with the client's address, in lowercase; its last entry counts.
CLIENT_IP_HEADER: str | None = None
# How many entries the router itself appends to X-Forwarded-For.
FORWARDED_FOR_ENTRIES = 0
# The router's header with the time when it received the request, and its units per second.
REQUEST_START_HEADER: str | None = None
REQUEST_START_UNITS = 1000
# The host of its buckets.
BUCKET_HOST = "s3.{region_name}.amazonaws.com"
# `ssl_cert_reqs` of connections to its Redis.
REDIS_CERTIFICATE = "required"
# Ports of mail servers that it does not connect to.
BLOCKED_SMTP_PORTS: tuple[int, ...] = ()
# How to set an environment variable: of these, and of any other.
HINTS: dict[str, str] = {}
SET_VARIABLE = "Set the environment variable {}."
