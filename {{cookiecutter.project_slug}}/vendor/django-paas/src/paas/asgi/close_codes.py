"""Why a WebSocket was closed. Applications may choose from 4000 to 4999 (RFC 6455, 7.4.2)."""

SERVICE_RESTART = 1012  # of the IANA registry; SERVER_STOPS where the server cannot send it
SERVER_STOPS = 4012
BAD_MESSAGE = 4400  # no JSON, or a message that the consumer does not allow
LOGGED_OUT = 4401  # the session ended, or its account was deleted, deactivated or given a password
NO_ANSWER = 4408  # two pings without an answer
MESSAGE_TOO_BIG = 4413
TOO_MANY = 4429  # messages, or WebSockets of one user
INTERNAL_ERROR = 4500
UNAVAILABLE = 4503  # Redis

# The reason in the log, unless close() is given one: for the codes above, then for the client's.
REASONS = {
    BAD_MESSAGE: "the message is not allowed",
    LOGGED_OUT: "the session ended or the account changed",
    NO_ANSWER: "no answer to two pings",
    MESSAGE_TOO_BIG: "the message is too big",
    TOO_MANY: "too many messages or WebSockets",
    INTERNAL_ERROR: "an error, which is logged",
    UNAVAILABLE: "Redis is unavailable",
}
CLIENT_REASONS = {
    1006: "the connection was lost",
    SERVICE_RESTART: "the server stops",
    SERVER_STOPS: "the server stops",
}
