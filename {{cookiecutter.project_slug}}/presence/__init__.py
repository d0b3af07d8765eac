"""Who is online, live.

A person is online while a page of theirs holds a WebSocket open. The truth is in the database and
never in a process: one row of ``Connection`` per open socket, deleted when the socket closes, and
good for ``EXPIRY_SECONDS`` unless it is renewed. Every ``BEAT_SECONDS`` each server process asks
all of its sockets for a sign of life, renews in one query the rows of those that gave one, closes
the others, and deletes whatever has expired: the rows of a process that was killed, say, which no
one renews. So whoever is gone, by whatever fault, is offline within 60 seconds, and a process that
starts anew knows who is there without having been told. The channel layer only makes it quick: it
carries each change to every process at once, and as each beat sends the whole list again where it
has changed, a message that was lost while Redis was away is made up for by the next beat.

A socket ends with its session: a log-out closes it at once, and each beat closes those whose
session was deleted or has expired, or whose user's account or password has changed.
"""
