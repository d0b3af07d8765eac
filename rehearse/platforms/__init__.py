"""What each platform reads from a project, sets in its environment, and runs.

A platform is a class in a file of its own; a third one is a file more, and a line in PLATFORMS.
"""

from rehearse.platforms.base import COMMIT, CannotStart, HealthCheck, Platform
from rehearse.platforms.digitalocean import AppPlatform
from rehearse.platforms.heroku import Heroku

__all__ = ["COMMIT", "PLATFORMS", "AppPlatform", "CannotStart", "HealthCheck", "Heroku", "Platform"]

# By the name that --platform takes; the first whose file is in the folder is the default.
PLATFORMS: dict[str, type[Platform]] = {one.name: one for one in (Heroku, AppPlatform)}
