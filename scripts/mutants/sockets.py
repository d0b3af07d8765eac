"""Mutants of the rows about WebSockets: who opens one, and when it is closed."""

from scripts.mutants.row import ASGI_GUNICORN, DAPHNE, PROJECT, by_project, by_template

WEBSOCKETS = "paas/asgi/websockets.py"
CONSUMERS = "paas/asgi/consumers.py"
HEARTBEAT = "paas/asgi/heartbeat.py"
SESSIONS = "paas/asgi/sessions.py"
PRESENCE = "presence/consumers.py"
SERVICES = "presence/services.py"
SIGNALS = "presence/signals.py"
TICKETS = "paas/asgi/tickets.py"

ORIGIN = (
    "WebSockets of other sites are refused: the `Origin` must have the handshake's scheme and host"
)
HTTPS = "WebSockets over plain HTTP are refused"
END = "sockets end with their session, account or password"
RACE = "a session that ends during a handshake opens no socket"
CLOSE_FRAME = "a client that ignores the close frame is disconnected"
TICKET = (
    "tickets open one socket, of a session and an account that are still good; are short-lived, "
    "and never in a URL"
)
TALK = "sockets that talk too much, or too long, are closed; a person has 20"
LOOP = "a loop of logins and logouts sends ten messages a minute to each open page"
ONLINE = "a page shows who is online by the next heartbeat, also if Redis lost a change"

OTHER_SITE = "paas/tests/test_consumers.py::test_pages_of_other_sites_are_refused"
ENDED = (
    "paas/tests/test_consumers.py::test_a_heartbeat_closes_the_sockets_of_a_session_that_has_ended"
)
CHANGED = (
    "paas/tests/test_consumers.py::test_a_heartbeat_closes_the_sockets_of_an_account_that_changed"
)

MUTANTS = (
    by_project(
        ORIGIN,
        WEBSOCKETS,
        'return request.headers.get("Origin", site).lower() == site.lower()',
        "return True",
        OTHER_SITE,
    ),
    by_project(
        ORIGIN,
        WEBSOCKETS,
        'return request.headers.get("Origin", site).lower() == site.lower()',
        'return request.headers.get("Origin", site).partition("://")[2] == request.get_host()',
        OTHER_SITE,
    ),
    by_template(
        HTTPS,
        f"{PROJECT}/{WEBSOCKETS}",
        "if settings.SECURE_SSL_REDIRECT and not request.is_secure():",
        "if False:",
        "test_presence.py::test_sockets_need_https",
        answers=DAPHNE,
    ),
    by_project(END, HEARTBEAT, "if consumer.session in ended:", "if False:", ENDED),
    by_project(END, SESSIONS, ", expire_date__gt=timezone.now()", "", ENDED),
    by_project(END, SESSIONS, ", is_active=True", "", CHANGED),
    by_project(
        END,
        SESSIONS,
        "return accounts - {(user.pk, user.get_session_auth_hash()) for user in users}",
        "return {a for a in accounts if a[0] not in {user.pk for user in users}}",
        CHANGED,
    ),
    by_template(
        END,
        f"{PROJECT}/{SESSIONS}",
        '    async_to_sync(send_to_group)(group, {"type": "session.logged_out"})\n',
        "",
        "test_presence.py::test_logging_out_closes_the_session_s_sockets_on_every_process",
        answers=DAPHNE,
    ),
    by_project(
        RACE,
        CONSUMERS,
        "if await database_sync_to_async(ended_sessions)({self.session}):",
        "if False:",
        "paas/tests/test_consumers.py::test_a_logout_before_a_websocket_joins_its_session_refuses_the_websocket",
    ),
    by_project(
        RACE,
        SESSIONS,
        "    request.session.delete()\n",
        "",
        "paas/tests/test_consumers.py::test_a_logout_deletes_the_session_before_it_closes_the_websockets",
    ),
    by_template(
        TICKET,
        f"{PROJECT}/{TICKETS}",
        "return row.get_decoded().get(TICKET_SESSION) if row and deleted else None",
        "return row.get_decoded().get(TICKET_SESSION) if row else None",
        "test_presence.py::test_a_ticket_opens_one_socket_even_if_shown_to_many_processes_at_once",
        answers=DAPHNE,
    ),
    by_project(
        TICKET,
        TICKETS,
        "    deleted, _ = rows.delete()\n",
        "    deleted = True\n",
        "paas/tests/test_consumers.py::test_a_ticket_opens_one_socket",
    ),
    by_template(
        TICKET,
        f"{PROJECT}/{TICKETS}",
        "session_key=ticket_key(ticket), expire_date__gt=timezone.now()",
        "session_key=ticket_key(ticket)",
        "test_presence.py::test_tickets_open_sockets_and_expire",
        answers=DAPHNE,
    ),
    by_template(
        TALK,
        f"{PROJECT}/{PRESENCE}",
        "max_message_size = 64",
        "max_message_size = 10**9",
        "test_presence.py::test_a_large_message_closes_the_socket",
        answers=DAPHNE,
    ),
    by_project(
        TALK,
        CONSUMERS,
        "if self.received > self.max_messages:",
        "if False:",
        "paas/tests/test_consumers.py::test_a_client_that_sends_too_many_messages_is_closed",
    ),
    by_project(
        TALK,
        SERVICES,
        "if before >= MAX_CONNECTIONS:",
        "if False:",
        "tests/test_presence.py::test_a_user_has_a_limited_number_of_pages",
    ),
    by_project(
        LOOP,
        SIGNALS,
        "return self.messages[user.pk] <= MAX_MESSAGES",
        "return True",
        "tests/test_presence.py::test_a_loop_of_logins_and_logouts_sends_few_messages",
    ),
    by_project(
        ONLINE,
        PRESENCE,
        "        self.sent_people = None\n",
        "",
        "tests/test_presence.py"
        "::test_a_heartbeat_corrects_a_page_that_missed_a_change_to_what_was_before",
    ),
    by_project(
        ONLINE,
        PRESENCE,
        "self.sent_people = self.people",
        "type(self).sent_people = self.people",
        "tests/test_presence.py"
        "::test_a_heartbeat_corrects_a_page_that_opened_since_the_list_was_the_same",
    ),
    by_template(
        CLOSE_FRAME,
        f"{PROJECT}/{HEARTBEAT}",
        "SEND_TIMEOUT = 6",
        "SEND_TIMEOUT = 4",
        "test_presence.py::test_a_client_that_ignores_the_close_frame_is_disconnected",
        answers=ASGI_GUNICORN,
    ),
)
