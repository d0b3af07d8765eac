from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    """Django's sessions in the database, without an error for an invalid cookie.

    PostgreSQL raises one for a NUL character, which a client can send.
    """

    def __init__(self, session_key=None):
        # As Django's own keys are; another opens no session.
        super().__init__(session_key if session_key and session_key.isalnum() else None)
