"""Why a WebSocket was closed. Applications may choose from 4000 to 4999 (RFC 6455, 7.4.2)."""

BAD_MESSAGE = 4400  # no JSON, or a message that the consumer does not allow
LOGGED_OUT = 4401  # the session ended, or its account was deleted, deactivated or given a password
NO_ANSWER = 4408  # two pings without an answer
MESSAGE_TOO_BIG = 4413
TOO_MANY = 4429  # messages, or WebSockets of one user
INTERNAL_ERROR = 4500
UNAVAILABLE = 4503  # Redis
