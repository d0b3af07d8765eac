"""A welcome mail to everyone who signs up.

A row of ``Welcome`` with ``sent_at`` records that a person has had theirs. Every hour
``send_missed`` queues the mail again for people of the last day without one, so a mail is not lost
with its task.
"""
