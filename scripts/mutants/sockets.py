"""Mutants of the rows about WebSockets: who opens one, and when it is closed."""

from mutants.row import ASGI_GUNICORN, DAPHNE, PROJECT, by_project, by_template

WEBSOCKETS = "paas/asgi/websockets.py"
CONSUMERS = "presence/consumers.py"
HEARTBEAT = "presence/heartbeat.py"
SERVICES = "presence/services.py"
SIGNALS = "presence/signals.py"
TICKETS = "presence/tickets.py"

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
LOOP = "a loop of log-ins and log-outs sends ten messages a minute to each open page"

OTHER_SITE = "test_presence.py::test_pages_of_other_sites_are_refused"
ENDED = "test_presence.py::test_a_beat_closes_the_pages_of_a_session_that_has_ended"
CHANGED = "test_presence.py::test_a_beat_closes_the_pages_of_an_account_that_changed"

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
    by_project(END, SERVICES, ", expire_date__gt=timezone.now()", "", ENDED),
    by_project(END, SERVICES, "if connection.user.is_active\n", "if True\n", CHANGED),
    by_project(
        END,
        SERVICES,
        "and connection.user.get_session_auth_hash() == fingerprints[connection.pk]",
        "",
        CHANGED,
    ),
    by_template(
        END,
        f"{PROJECT}/{SIGNALS}",
        '    async_to_sync(send)(session_group(session), {"type": "presence.logged_out"})\n',
        "",
        "test_presence.py::test_logging_out_closes_the_session_s_sockets_on_every_process",
        answers=DAPHNE,
    ),
    by_project(
        RACE,
        CONSUMERS,
        "if await database_sync_to_async(ended_sessions)({self.session}):",
        "if False:",
        "test_presence.py::test_a_log_out_before_a_socket_joins_its_session_refuses_the_socket",
    ),
    by_project(
        RACE,
        SIGNALS,
        "    request.session.delete()\n",
        "",
        "test_presence.py::test_a_log_out_deletes_the_session_before_its_sockets_are_told",
    ),
    by_template(
        TICKET,
        f"{PROJECT}/{TICKETS}",
        "return found.session_key if found and deleted else None",
        "return found.session_key if found else None",
        "test_presence.py::test_a_ticket_opens_one_socket_even_if_shown_to_many_processes_at_once",
        answers=DAPHNE,
    ),
    by_project(
        TICKET,
        TICKETS,
        "    deleted, _ = tickets.delete()\n",
        "    deleted = True\n",
        "test_presence.py::test_a_ticket_opens_one_socket",
    ),
    by_template(
        TICKET,
        f"{PROJECT}/{TICKETS}",
        "digest=digest(ticket), created_at__gte=Now() - timedelta(seconds=TICKET_SECONDS)",
        "digest=digest(ticket)",
        "test_presence.py::test_tickets_open_sockets_and_expire",
        answers=DAPHNE,
    ),
    by_template(
        TALK,
        f"{PROJECT}/{CONSUMERS}",
        "MAX_MESSAGE_SIZE = 64",
        "MAX_MESSAGE_SIZE = 10**9",
        "test_presence.py::test_a_large_message_closes_the_socket",
        answers=DAPHNE,
    ),
    by_project(
        TALK,
        CONSUMERS,
        "self.received > MAX_MESSAGES or ",
        "",
        "test_presence.py::test_a_page_that_talks_too_much_is_closed",
    ),
    by_project(
        TALK,
        SERVICES,
        "if before >= MAX_CONNECTIONS:",
        "if False:",
        "test_presence.py::test_a_person_has_a_bounded_number_of_pages",
    ),
    by_project(
        LOOP,
        SIGNALS,
        "return self.messages[user.pk] <= MAX_MESSAGES",
        "return True",
        "test_presence.py::test_a_loop_of_log_ins_and_log_outs_sends_few_messages",
    ),
    by_template(
        CLOSE_FRAME,
        f"{PROJECT}/{HEARTBEAT}",
        "SEND_SECONDS = 6",
        "SEND_SECONDS = 4",
        "test_presence.py::test_a_client_that_ignores_the_close_frame_is_disconnected",
        answers=ASGI_GUNICORN,
    ),
)
