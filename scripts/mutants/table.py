"""The mutants of docs/protections.md: a module for each of its sections, and for sockets and tasks."""

from scripts.mutants import (
    accounts,
    browser,
    clients,
    going_live,
    logs,
    services,
    sockets,
    tasks,
    template,
)

SECTIONS = (going_live, browser, accounts, clients, logs, services, sockets, tasks, template)

TABLE = tuple(mutant for section in SECTIONS for mutant in section.MUTANTS)

# Rows of docs/protections.md that no edit of this repository can remove, and why.
WITHOUT_MUTANT: dict[str, str] = {
    protection: reason
    for section in SECTIONS
    for protection, reason in getattr(section, "WITHOUT_MUTANT", {}).items()
}
