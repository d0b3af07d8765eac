"""Rate limit of the messages about one user: a client may log in and out in a loop.

Each process counts in memory, which works while Redis is unavailable. The next heartbeat sends a
snapshot, so pages show what a dropped message was about.
"""

import time
from collections import Counter
from threading import Lock

# Messages about one user, per minute and server process.
MAX_MESSAGES = 10


class MessageLimit:
    def __init__(self) -> None:
        self.lock = Lock()
        self.minute = 0
        self.messages: Counter = Counter()

    def allows(self, user) -> bool:
        minute = int(time.monotonic() // 60)
        with self.lock:
            if minute != self.minute:
                self.minute = minute
                self.messages.clear()
            self.messages[user.pk] += 1
            return self.messages[user.pk] <= MAX_MESSAGES


LIMIT = MessageLimit()


def may_send(user) -> bool:
    """Count a message about the user, and return whether to send it."""
    return LIMIT.allows(user)
