"""A welcome mail to everyone who signs up.

A row of ``Welcome`` says that a person has had theirs. Whoever signs up has none, so no mail is
lost when its task is: every hour ``send_missed`` queues it anew for people of the last day.
"""
