"""The mutants of docs/protections.md: a module for each of its sections."""

from mutants import accounts, browser, clients, going_live, logs, services, template

SECTIONS = (going_live, browser, accounts, clients, logs, services, template)

TABLE = tuple(mutant for section in SECTIONS for mutant in section.MUTANTS)

# Rows of docs/protections.md that no edit of this repository can remove, and why.
WITHOUT_MUTANT: dict[str, str] = {
    protection: reason
    for section in SECTIONS
    for protection, reason in getattr(section, "WITHOUT_MUTANT", {}).items()
}
