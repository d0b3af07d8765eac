"""Write no project into a folder that holds files which could be lost."""

import os
import sys

# What --overwrite-if-exists may meet. Cookiecutter replaces whole folders that it copies, with all
# that their user put there.
ALLOWED = {".git", ".gitignore", "LICENSE", "README.md"}
SLUG = "{{ cookiecutter.project_slug }}"

if lost := sorted(set(os.listdir()) - ALLOWED):
    sys.exit(
        f"project_slug {SLUG!r} names a folder that holds {lost[0]!r} already, which could be lost; "
        f"try '{SLUG[:48]}_2', or `cruft update` for what is new in the template."
    )
