"""Daphne's ``runserver``, which serves WebSockets too."""

from daphne.management.commands.runserver import Command

__all__ = ["Command"]
