"""Example: a welcome mail to each new user, sent by a Celery task. README.md tells how to remove it.

``Welcome.sent_at`` records that a user's mail was sent. Every hour the periodic task ``send_missed``
queues the mail again for users who signed up within the last day and have none: Redis may lose a task.
"""
