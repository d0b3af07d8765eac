"""The generated project's own tests pass with every set of options under each interface.

tests/servers/test_own_tests.py has one combination of each server. This has the opposite of each,
and WSGI with no option and with all. Together they cover each pair of answers, and each set of
options with each interface; tests/combinations starts every combination.
"""

import itertools

from tests.harness.combinations import (
    CHOICES,
    OPTIONS,
    OWN_TESTS,
    by_name,
    for_combinations,
    is_asgi,
)

OTHERS = by_name(
    "digitalocean-asgi-uvicorn",
    "heroku-asgi-daphne-use_celery",
    "digitalocean-wsgi-gunicorn-use_celery",
    "heroku-wsgi-waitress-use_s3_media",
    "heroku-wsgi-waitress",
    "digitalocean-wsgi-gunicorn-use_celery-use_s3_media",
)


def test_each_two_answers_meet_and_each_set_of_options_meets_each_interface():
    tested = OWN_TESTS + OTHERS
    for names in itertools.combinations(CHOICES, 2):
        met = {tuple(answers[name] for name in names) for answers in tested}
        assert met == set(itertools.product(*(CHOICES[name] for name in names))), names
    sets = {(is_asgi(answers), *(answers[name] for name in OPTIONS)) for answers in tested}
    assert len(sets) == 2 ** (1 + len(OPTIONS))


@for_combinations(OTHERS, apart="own tests")
def test_its_own_tests_pass_with_this_set_of_options(clone):
    clone.run("make test")
