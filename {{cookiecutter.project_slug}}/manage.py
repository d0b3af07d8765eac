"""Django's command-line utility for administrative tasks."""

import os
import sys

from django.core.management import execute_from_command_line
from paas.startup import load_settings, require_configuration

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    load_settings()
    require_configuration(sys.argv)
    execute_from_command_line(sys.argv)
