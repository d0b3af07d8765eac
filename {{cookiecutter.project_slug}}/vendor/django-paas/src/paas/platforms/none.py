"""No platform: no router sets headers, so none is trusted. A platform's module has the same names.

``settings.PLATFORM`` names the module: ``paas.platforms.heroku``, ``paas.platforms.digitalocean``, or one of yours.
"""

# For the next steps on a home page, in development.
NAME = "this server"
DOCUMENTATION = "https://docs.djangoproject.com/en/stable/howto/deployment/"
# The router's header with the client's address, in lowercase; its last entry counts.
CLIENT_IP_HEADER: str | None = None
# How many entries the router itself appends to X-Forwarded-For.
FORWARDED_FOR_ENTRIES = 0
# The router's header with the time when it received the request, and its units per second.
REQUEST_START_HEADER: str | None = None
REQUEST_START_UNITS = 1000
# How to set an environment variable: of these, and of any other.
HINTS: dict[str, str] = {}
SET_VARIABLE = "Set the environment variable {}."
