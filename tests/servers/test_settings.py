"""What importing the settings does."""

from rehearsal.combinations import OWN_TESTS, for_combinations

pytestmark = for_combinations(OWN_TESTS[:1], apart="own tests")

IMPORT_SETTINGS = """
import sys
from environs import EnvValidationError

try:
    import config.settings
except EnvValidationError as error:
    print(sorted(error.error_messages))
print([name for name in sys.modules if name.partition(".")[0] == "sentry_sdk"])
"""


def test_importing_settings_neither_exits_nor_starts_sentry(clone):
    clone.write("import_settings.py", IMPORT_SETTINGS)
    command, dsn = "python import_settings.py", "https://key@sentry.example/1"
    assert clone.run(command, SENTRY_DSN=dsn) == "[]\n"
    printed = clone.run(command, SENTRY_DSN=dsn, DEBUG="perhaps", WEB_THREADS="0")
    assert printed == "['DEBUG', 'WEB_THREADS']\n[]\n"
