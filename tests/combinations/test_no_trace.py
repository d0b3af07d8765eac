"""A project holds nothing of the answers that were not given: no file, setting, package or word."""

import re
from collections.abc import Iterator

from tests.harness.assertions import own_files_of
from tests.harness.combinations import (
    CHOICES,
    COMBINATIONS,
    OPTIONS,
    PROJECT,
    TEMPLATE,
    for_combinations,
    given,
    is_asgi,
)

# By answer: regular expressions, case-insensitive, that no project without it may match. An answer
# is a choice, an option, or a value derived from them.
TERMS = {
    "heroku": [
        *["heroku", "dyno", "procfile", r"app\.json"],
        "amazonaws",  # S3's host; App Platform's bucket is on Spaces
    ],
    "digitalocean": [
        *["digitalocean", "app platform", "app spec", r"app\.yaml", r"\.do\b", "doctl"],
        *[r"live\.yaml", r"\bnyc\d?\b", "spaces_"],
        r"\b(?-i:Spaces)\b",  # not those between words
    ],
    "asgi": [
        r"asgi(?!ref)",  # asgiref is Django's
        *[r"web.?socket", r"\bwss?\b", "consumer", "presence", "pytest.asyncio", "asyncio_mode"],
        r"(?<!com/)ticket",  # code.djangoproject.com/ticket/ is Django's tracker
        r"\bchannels\b",  # not Waitress' connections, such as active_channels
        r"channel.layer",
        "msgpack",  # of channels-redis
    ],
    "wsgi": [r"wsgi(?!_request)"],  # Django's test client has response.wsgi_request
    "daphne": ["daphne", "websocket_connect_timeout", "twisted", "autobahn"],
    "gunicorn": ["gunicorn"],
    "uvicorn": ["uvicorn", "httptools"],
    "waitress": ["waitress"],
    "use_celery": [
        *["celery", "kombu", "billiard", "amqp", "crontab", "beat_schedule", "remap_sigterm"],
        *["worker_concurrency", "worker process", "background task", "lost_task", "task_again"],
        r"(?-i:welcome)",  # the home page greets with "Welcome, "
    ],
    "use_s3_media": [
        # Not the settings: a project without uploads gets a bucket by two lines of packages.
        *["s3transfer", r"\bboto", "jmespath", r"django-storages(?!\.readthedocs)", "pillow="],
        r"(?<!-in-)picture(?!-in-)",  # picture-in-picture is a feature of browsers
    ],
    "redis": ["redis", "valkey"],
    # docs/operations.md says why Uvicorn ignores it.
    "processes": [r"web_concurrency(?!` sets the number)"],
}
# Lines that may hold a term of "daphne" in a project of Uvicorn: the `runserver` that
# serves WebSockets in development is Daphne's.
RUNSERVER = {
    "pyproject.toml": r'    "daphne>=',
    "requirements-dev.txt": r"(daphne|twisted|autobahn)==",
}


def uses(term: str, text: str) -> Iterator[re.Match]:
    """The term's matches; a search in lowered text takes a fraction of one with re.IGNORECASE."""
    return re.finditer(term, text if "(?-i:" in term else text.lower())


def is_runserver(answers: dict, excluded: str, name: str, line: str) -> bool:
    """Whether the line is one of RUNSERVER."""
    is_expected = excluded == "daphne" and is_asgi(answers) and name in RUNSERVER
    return is_expected and bool(re.match(RUNSERVER[name], line))


@for_combinations(COMBINATIONS)
def test_no_file_holds_a_term_of_an_answer_that_was_not_given(project):
    excluded = {name: terms for name, terms in TERMS.items() if name not in given(project.answers)}
    assert excluded
    found, files_naming_daphne = [], set()
    for path in own_files_of(project.folder):
        name = path.relative_to(project.folder).as_posix()
        text = f"{name}\n{path.read_text()}"
        for answer, terms in excluded.items():
            for hit in (hit for term in terms for hit in uses(term, text)):
                number = text.count("\n", 0, hit.start())
                line = text.split("\n")[number]
                if is_runserver(project.answers, answer, name, line):
                    files_naming_daphne.add(name)
                else:
                    found.append(f"{name}:{number}: {hit.re.pattern!r} is of {answer}: {line}")
    assert found == [], "\n" + "\n".join(found)
    has_runserver = project.answers["server"] == "asgi-uvicorn"
    assert files_naming_daphne == (RUNSERVER.keys() if has_runserver else set())


def test_every_answer_that_a_project_may_lack_has_terms():
    assert set(TERMS) == set().union(*map(given, COMBINATIONS)) - set(CHOICES["server"])
    assert set(CHOICES) == {"platform", "server", *OPTIONS}


def test_the_template_uses_every_term():
    """A term without a match is misspelt, or its feature was removed."""
    source = (TEMPLATE / "cookiecutter.json").read_text()
    for path in own_files_of(PROJECT):
        source += f"{path}\n{path.read_text(errors='ignore')}"
    assert [term for terms in TERMS.values() for term in terms if not any(uses(term, source))] == []
