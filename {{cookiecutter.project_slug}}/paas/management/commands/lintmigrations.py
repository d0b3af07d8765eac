import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from io import StringIO
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.loader import MigrationLoader

SKIPPED = (
    "lintmigrations: skipped, as only PostgreSQL has these locks. docs/operations.md says how to "
    "start one."
)


class Command(BaseCommand):
    """Lint the SQL of the project's own migrations: https://squawkhq.com/docs/rules.

    ``.squawk.toml`` chooses the rules. A migration that may break one lists it:
    ``squawk_ignore = ["changing-column-type"]``, beside its ``dependencies``.
    """

    help = "Warn of migrations that lock a table for long, or break the release that still runs."

    def add_arguments(self, parser):
        parser.add_argument(
            "--strict", action="store_true", help="Exit with status 1 if there is a warning."
        )

    def handle(self, *args, strict, **options):
        if connection.vendor != "postgresql":
            self.stdout.write(SKIPPED)
            return
        with tempfile.TemporaryDirectory() as folder:
            files = self.write_sql(Path(folder))
            found = self.lint(files)
        for message in found:
            self.stdout.write(message)
        if found and strict:
            raise CommandError(f"{len(found)} warnings.")
        self.stdout.write(f"lintmigrations: {len(files)} migrations, {len(found)} warnings")

    def write_sql(self, folder: Path) -> dict[str, Any]:
        """Write a file of SQL for each migration, and return the migrations by these files."""
        files = {}
        loader = MigrationLoader(connection, replace_migrations=False)
        for (app_label, name), migration in sorted(loader.disk_migrations.items()):
            app = Path(apps.get_app_config(app_label).path)
            # Not those of packages, which may be installed in .venv.
            if app.parent != settings.BASE_DIR:
                continue
            path = folder / f"{app_label}.{name}.sql"
            output = StringIO()
            try:
                call_command("sqlmigrate", app_label, name, stdout=output, no_color=True)
            except (CommandError, ValueError) as error:
                # It looks up names of constraints in the database, where the tables may be missing.
                self.stdout.write(f"lintmigrations: no SQL of {app_label}.{name}: {error}")
                continue
            path.write_text(output.getvalue())
            files[str(path)] = migration
        return files

    def lint(self, files: dict[str, Any]) -> list[str]:
        """Return a line for each warning."""
        program = str(Path(sysconfig.get_path("scripts")) / "squawk")
        configuration = str(settings.BASE_DIR / ".squawk.toml")
        command = [program, "--config", configuration, "--reporter", "json", *files]
        try:
            done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
        except FileNotFoundError:
            raise CommandError("Squawk is missing: pip install -r requirements-dev.txt") from None
        if done.returncode not in (0, 1):
            raise CommandError(done.stderr)
        warnings = []
        for warning in json.loads(done.stdout):
            migration = files[warning["file"]]
            if warning["rule_name"] not in getattr(migration, "squawk_ignore", []):
                warnings.append(describe(migration, warning))
        return warnings


def describe(migration, warning: dict[str, Any]) -> str:
    """A line for people, or for GitHub, which shows it beside the file."""
    module = sys.modules[migration.__module__]
    path = Path(module.__file__ or "").relative_to(settings.BASE_DIR)
    help_text = " ".join((warning["help"] or "").split())
    text = f"{warning['message']} {help_text} ({warning['rule_name']})"
    if "GITHUB_ACTIONS" in os.environ:
        return f"::warning file={path}::{text}"
    return f"{path}: {text}"
