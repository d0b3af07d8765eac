"""Every combination of answers, computed from ``cookiecutter.json``."""

import itertools
import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from cookiecutter.generate import generate_context
from cookiecutter.main import cookiecutter
from cookiecutter.prompt import prompt_for_config

TEMPLATE = Path(__file__).resolve().parents[2]
PROJECT = TEMPLATE / "{{cookiecutter.project_slug}}"
# django-paas, the runtime library.
PACKAGE = PROJECT / "vendor/django-paas"
QUESTIONS = json.loads((TEMPLATE / "cookiecutter.json").read_text())
# Without ``python_version``, as the same code and packages run on each, and without ``examples``.
CHOICES = {
    name: values if isinstance(values, list) else [True, False]
    for name, values in QUESTIONS.items()
    if not name.startswith("_")
    and isinstance(values, list | bool)
    and name not in {"python_version", "examples"}
}
# The yes/no questions.
OPTIONS = [name for name, values in CHOICES.items() if values == [True, False]]
COMBINATIONS = [
    dict(zip(CHOICES, values, strict=True)) for values in itertools.product(*CHOICES.values())
]
WITHOUT_EXAMPLES = [answers | {"examples": False} for answers in COMBINATIONS]
# Private variables that conditions may use, and the questions that each is derived from.
DERIVED = {
    "__interface": ["server"],
    "__app_server": ["server"],
    "__redis": ["server", "use_celery"],
    "__presence": ["server", "examples"],
    "__welcome": ["use_celery", "examples"],
    "__pictures": ["use_s3_media", "examples"],
    "__paas_from": [],
}


def words(answers: dict) -> list[str]:
    """The combination's choices, and the names of the options turned on."""
    found = [name if value is True else value for name, value in answers.items() if value]
    return found if answers.get("examples", True) else [*found, "no_examples"]


def name_of(answers: dict) -> str:
    """A short name for the combination."""
    return "-".join(words(answers))


def by_name(*names: str) -> list[dict]:
    """The combinations of these names."""
    return [answers for answers in COMBINATIONS if name_of(answers) in names]


def requirements_of(answers: dict) -> str:
    """A name for the combination's packages and database tables, which no platform changes."""
    return name_of(answers).removeprefix(f"{answers['platform']}-")


def all_answers(answers: dict) -> dict:
    """``answers`` with the defaults and the private ones that follow from them."""
    context = generate_context(str(TEMPLATE / "cookiecutter.json"), extra_context=answers)
    return prompt_for_config(context, no_input=True)


def is_asgi(answers: dict) -> bool:
    return answers["server"].startswith("asgi")


def needs_redis(answers: dict) -> bool:
    return is_asgi(answers) or answers["use_celery"]


def has_processes(answers: dict) -> bool:
    """Whether WEB_CONCURRENCY sets the number of web processes."""
    return answers["server"] == "wsgi-gunicorn"


def given(answers: dict) -> set[str]:
    """The choices, the options turned on, and what follows from them."""
    redis = {"redis"} if needs_redis(answers) else set()
    several = {"processes"} if has_processes(answers) else set()
    return {*words(answers), *answers["server"].split("-"), *redis, *several, *examples(answers)}


def examples(answers: dict) -> set[str]:
    """The example apps of a project."""
    if not answers.get("examples", True):
        return set()
    found = {"presence": is_asgi(answers), "welcome": answers["use_celery"]}
    found["pictures"] = answers["use_s3_media"]
    return {name for name, is_there in found.items() if is_there}


# One combination for each platform and server. Each option is on and off with each interface and on
# each platform.
EACH_SERVER = by_name(
    "heroku-asgi-uvicorn",  # the default answers
    "heroku-asgi-daphne-use_s3_media",
    "heroku-wsgi-gunicorn-use_celery-use_s3_media",  # WSGI with every option
    "heroku-wsgi-waitress",  # WSGI without options
    "digitalocean-asgi-uvicorn-use_celery-use_s3_media",  # ASGI with every option
    "digitalocean-asgi-daphne-use_celery",
    "digitalocean-wsgi-gunicorn",
    "digitalocean-wsgi-waitress-use_s3_media",
)
# One for each server: tests are about these unless for_combinations() names others.
SERVERS = by_name(
    "heroku-asgi-uvicorn",
    "digitalocean-asgi-daphne-use_celery",
    "heroku-wsgi-gunicorn-use_celery-use_s3_media",
    "digitalocean-wsgi-waitress-use_s3_media",
)
# One for each server, for the project's own tests: each option is on with each platform and with
# each interface.
OWN_TESTS = by_name(
    "heroku-asgi-uvicorn-use_celery-use_s3_media",
    "digitalocean-asgi-daphne-use_s3_media",
    "heroku-wsgi-gunicorn-use_s3_media",
    "digitalocean-wsgi-waitress-use_celery",
)
EACH_PLATFORM = by_name("heroku-asgi-uvicorn", "digitalocean-wsgi-waitress-use_s3_media")
ASGI = [answers for answers in EACH_SERVER if is_asgi(answers)]


def parameters(combinations: Iterable[dict], apart: str = "") -> list:
    """The combinations as parameters of the fixture ``project``.

    One of pytest-xdist's workers runs all tests of a combination, and deploys it once. Tests with
    a word in ``apart`` may run on another worker, which deploys the combination again.
    """
    return [
        pytest.param(
            answers,
            id=name_of(answers),
            marks=pytest.mark.xdist_group(f"{requirements_of(answers)} {apart}".strip()),
        )
        for answers in combinations
    ]


def for_combinations(combinations: Iterable[dict], apart: str = "") -> pytest.MarkDecorator:
    """Mark a test, or with ``pytestmark`` a file, as one about these combinations only; without the
    mark it is about SERVERS.
    """
    found = parameters(combinations, apart)
    return pytest.mark.parametrize("project", found, indirect=True, scope="session")


def bake(answers: dict, output: Path) -> Path:
    """Bake the template into the folder ``output`` and return the project's folder.

    Raises what Cookiecutter raises.
    """
    options = {"no_input": True, "extra_context": answers, "output_dir": output}
    return Path(cookiecutter(str(TEMPLATE), **options))
