from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    """Django's sessions in the database, without an error for an invalid cookie.

    PostgreSQL raises one for a NUL character, which a client can send.
    """

    def _validate_session_key(self, key):
        # The stubs have no private methods.
        return super()._validate_session_key(key) and key.isalnum()  # type: ignore[misc]
