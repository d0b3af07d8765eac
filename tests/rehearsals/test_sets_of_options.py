"""The generated project's own tests pass with every set of options under each interface.

tests/servers/test_own_tests.py has one combination of each server. This has the opposite of each,
and WSGI with no option and with all. Together they cover each pair of answers, and each set of
options with each interface; tests/combinations starts every combination.
"""

from tests.harness.combinations import by_name, for_combinations

OTHERS = by_name(
    "digitalocean-asgi-uvicorn",
    "heroku-asgi-daphne-use_celery",
    "digitalocean-wsgi-gunicorn-use_celery",
    "heroku-wsgi-waitress-use_s3_media",
    "heroku-wsgi-waitress",
    "digitalocean-wsgi-gunicorn-use_celery-use_s3_media",
)


@for_combinations(OTHERS, apart="own tests")
def test_its_own_tests_pass_with_this_set_of_options(clone):
    clone.run("make test")
