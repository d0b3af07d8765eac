"""Heroku: https://devcenter.heroku.com/articles/http-routing."""

NAME = "Heroku"
DOCUMENTATION = "https://devcenter.heroku.com/articles/getting-started-with-python"
# Set in each dyno, of the release and one-off ones too, and not by `heroku local`.
# https://devcenter.heroku.com/articles/dynos#local-environment-variables
OWN_VARIABLE = "DYNO"
# The router appends the client's address; what precedes the last comma, the client may have sent.
CLIENT_IP_HEADER = "x-forwarded-for"
FORWARDED_FOR_ENTRIES = 1
REQUEST_START_HEADER = "x-request-start"
REQUEST_START_UNITS = 1000  # milliseconds since 1970
BUCKET_HOST = "s3.{region_name}.amazonaws.com"
# The certificate of Heroku Key-Value Store is self-signed.
REDIS_CERTIFICATE = "none"
HINTS = {
    "SECRET_KEY": (
        "heroku config:set "
        """SECRET_KEY="$(python3 -c 'import secrets; print(secrets.token_urlsafe(50))')\""""
    ),
    "ALLOWED_HOSTS": "heroku config:set ALLOWED_HOSTS=www.example.com",
    "DATABASE_URL": "heroku addons:create heroku-postgresql:essential-0",
    "REDIS_URL": "heroku addons:create heroku-redis:mini",
    "malformed REDIS_URL": "heroku config:get REDIS_URL shows it.",
    "DEBUG": "heroku config:unset DEBUG",
    "WEB_THREADS": "heroku config:set WEB_THREADS=3",
}
SET_VARIABLE = "heroku config:set {}=..."
