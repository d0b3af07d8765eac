"""A project that was built and released on its platform."""

import re
import secrets
from dataclasses import dataclass

from rehearse.platforms import Platform
from rehearse.processes import Process, run
from tests.harness.commands import run_script
from tests.harness.services import Services
from tests.harness.site import Site

# The variables that README.md has the owner set, and their values for the blanks of a manifest.
MAIL = {
    # test_account_pages.py deletes it to test the default.
    "ACCOUNT_EMAIL_VERIFICATION": "none",
    "EMAIL_URL": "smtps://site:password@localhost:465",
    "DEFAULT_FROM_EMAIL": "My Site <site@example.com>",
}
FILLED_IN = {
    "SECRET_KEY": secrets.token_urlsafe(50),
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_STORAGE_BUCKET_NAME": "uploads",
    "AWS_S3_REGION_NAME": "us-east-1",
}


def owners_variables(platform: Platform) -> dict[str, str]:
    """What the owner of a project of the template sets."""
    return MAIL | {name: FILLED_IN[name] for name in platform.blanks()}


# Written to the database: logins would take minutes, as each hashes a password.
MAKE_SESSIONS = """
from django.conf import settings
from django.contrib.auth import SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from users.models import User
for number in range({count}):
    user = User.objects.create_user(f"person{{number}}")
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    print("session:" + session.session_key)
"""


@dataclass
class Deployment:
    """``environment`` is what the platform sets for the release and every process after it;
    ``release_log`` what the release printed.
    """

    platform: Platform
    environment: dict[str, str]
    release_log: str

    @classmethod
    def make(
        cls, platform: Platform, services: Services, database: str, **variables: str
    ) -> "Deployment":
        """Build and release; raises BuildFailed, or CommandFailed if the release fails.

        ``variables`` are what the owner sets, and win over the platform's.
        """
        platform.build()
        environment = platform.environment(services, database, owners_variables(platform))
        deployment = cls(platform, environment | variables, "")
        deployment.release_log = deployment.run(platform.commands()["release"])
        return deployment

    def run(self, command: str, environment: dict[str, str] | None = None) -> str:
        """Run a command to its end, as in ``heroku run``, and return what it printed.

        ``environment`` takes the place of the platform's. Raises CommandFailed.
        """
        return run(command, self.platform.folder, environment or self.environment)

    def run_script(self, script: str, **changes: str) -> str:
        """Run Python code in the project, with these changes to its environment.

        Returns what it printed; raises CommandFailed.
        """
        return run_script(script, self.platform.folder, self.environment | changes)

    def site(self, **changes: str) -> Site:
        """A web process, to be entered, with these changes to its environment."""
        site = Site(self.platform, self.environment | changes)
        if threads := changes.get("WEB_THREADS"):  # Waitress has an option for them
            command = site.process.command
            site.process.command = re.sub(r"--threads=\d+", f"--threads={threads}", command)
        return site

    def worker(self, **changes: str) -> Process:
        """A worker process, to be entered, with these changes to its environment."""
        command, environment = self.platform.commands()["worker"], self.environment | changes
        return Process(command, self.platform.folder, environment, self.platform.grace)

    def make_sessions(self, count: int) -> list[str]:
        """Create ``count`` users, each logged in, and return the keys of their sessions."""
        lines = self.run_script(MAKE_SESSIONS.format(count=count)).splitlines()
        return [line.partition(":")[2] for line in lines if line.startswith("session:")]
