"""The site that django-paas is tested on has the middleware of a new project."""

import re

from tests.harness.combinations import PROJECT, TEMPLATE

CONFIG = PROJECT / "config"
EXAMPLE = TEMPLATE / "tests/package/example"
MIDDLEWARE = re.compile(r'^    "([\w.]+Middleware)",$', re.MULTILINE)


def test_the_middleware_is_that_of_a_project():
    ours, example = ((path / "settings.py").read_text() for path in (CONFIG, EXAMPLE))
    assert MIDDLEWARE.findall(example) == MIDDLEWARE.findall(ours)
