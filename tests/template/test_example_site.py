"""The site that django-paas is tested on protects its accounts as a new project does."""

import re

from tests.harness.combinations import PROJECT, TEMPLATE

CONFIG = PROJECT / "config"
EXAMPLE = TEMPLATE / "tests/package/example"
MIDDLEWARE = re.compile(r'^    "([\w.]+Middleware)",$', re.MULTILINE)


def test_the_settings_of_accounts_are_those_of_a_project():
    ours = (CONFIG / "accounts.py").read_text().replace("users.forms.", "paas.accounts.forms.")
    assert (EXAMPLE / "accounts.py").read_text() == ours


def test_the_middleware_is_that_of_a_project():
    ours, example = ((path / "settings.py").read_text() for path in (CONFIG, EXAMPLE))
    assert MIDDLEWARE.findall(example) == MIDDLEWARE.findall(ours)
