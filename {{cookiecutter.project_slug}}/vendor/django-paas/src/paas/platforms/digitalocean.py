"""DigitalOcean App Platform: https://docs.digitalocean.com/products/app-platform/."""

NAME = "App Platform"
DOCUMENTATION = "https://docs.digitalocean.com/products/app-platform/"
# App Platform documents none: https://docs.digitalocean.com/products/app-platform/how-to/use-environment-variables/
OWN_VARIABLE = None
# DigitalOcean documents this header, but not that its router replaces a client's: assumed here.
# https://docs.digitalocean.com/support/where-can-i-find-the-client-ip-address-of-a-request-connecting-to-my-app/
CLIENT_IP_HEADER = "do-connecting-ip"
FORWARDED_FOR_ENTRIES = 1
# The router does not send when it received a request, and a client's value cannot be trusted.
REQUEST_START_HEADER = None
REQUEST_START_UNITS = 1000
BUCKET_HOST = "{region_name}.digitaloceanspaces.com"
REDIS_CERTIFICATE = "required"
# Outgoing ones: https://docs.digitalocean.com/support/why-is-smtp-blocked/
BLOCKED_SMTP_PORTS = (25, 465, 587)
HINTS = {
    "SECRET_KEY": (
        "In the app spec, envs, SECRET_KEY, value: the output of "
        "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"
    ),
    "ALLOWED_HOSTS": "In the app spec, envs, ALLOWED_HOSTS, value: ${APP_DOMAIN}",
    "DATABASE_URL": "In the app spec, envs, DATABASE_URL, value: ${db.DATABASE_URL}",
    "REDIS_URL": "In the app spec, envs, REDIS_URL, value: ${valkey.DATABASE_URL}",
    "DEBUG": "In the app spec, envs, DEBUG: delete it",
    "WEB_THREADS": "In the app spec, envs, WEB_THREADS, value: 3",
}
SET_VARIABLE = "In the app spec, envs, {}."
