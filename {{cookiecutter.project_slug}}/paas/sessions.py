from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    """Django's sessions in the database, but for cookies that none of them ever had: PostgreSQL
    has an error for a NUL, which a client can send.
    """

    def _validate_session_key(self, key):
        # The stubs leave out what is not public.
        return super()._validate_session_key(key) and key.isalnum()  # type: ignore[misc]
