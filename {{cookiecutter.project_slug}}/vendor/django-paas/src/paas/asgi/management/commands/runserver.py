"""Daphne's ``runserver``, which serves WebSockets too."""

from daphne.management.commands import runserver


class Command(runserver.Command):
    def log_action(self, protocol, action, details):
        """Log nothing: paas/logs/requests.py and paas/asgi/websockets.py log more."""
