"""Answers that nobody thought of: a sound project comes of them, or a sentence and nothing else.

Each combination gets examples of its own, the same in every run. ``--hypothesis-seed=N`` gives it
others, and ``--hypothesis-profile=explore`` many more.
"""

import re
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from cookiecutter.cli import main
from hypothesis import given, seed, settings
from strategies import any_answers, bad_answers, good_answers

from rehearsal.assertions import assert_answers_are_kept, assert_valid_files, shown
from rehearsal.combinations import EACH_PLATFORM, QUESTIONS, TEMPLATE, for_combinations
from rehearsal.processes import bare_environment, run_script

pytestmark = for_combinations(EACH_PLATFORM)

EXAMPLES = settings.default.max_examples
# The answer's name, what is wrong with it, and an example that works.
SENTENCE = re.compile(r"([a-z_]+) .+; try ['\"].+['\"]\.")
START = """
from django.core.management import call_command
from django.test import Client
call_command("check", fail_level="WARNING")
print(Client(SERVER_NAME="localhost").get("/").text)
"""


@pytest.fixture
def seeded(project, request):
    """A decorator that starts Hypothesis off."""
    return seed(f"{project.name} {request.config.getoption('--hypothesis-seed')}")


@dataclass
class Outcome:
    """What came of the answers: the ``status`` of Cookiecutter's command, what it ``said``, and the
    ``files`` and folders that are there now, the project's own folder first.
    """

    status: int
    said: str
    files: list[Path]


def typed(name: str, text: str) -> str:
    """Cookiecutter renders answers that are options; of this comes ``text``, as if typed in."""
    return text if isinstance(QUESTIONS[name], list) else f"{{{{ {text!a} }}}}"


@pytest.fixture
def bake(project):
    """Bake with the combination's choices and these answers, to look at the outcome inside."""

    @contextmanager
    def bake_one(answers: dict[str, str]):
        options = [f"{name}={choice}" for name, choice in project.answers.items()]
        options += [f"{name}={typed(name, text)}" for name, text in answers.items()]
        with tempfile.TemporaryDirectory() as home:
            # Deep enough for an answer that climbs out of it.
            folder = Path(home, "a/b/c/d/out")
            folder.mkdir(parents=True)
            command = [str(TEMPLATE), "--no-input", "-o", str(folder), *options]
            done = CliRunner().invoke(main, command)
            assert isinstance(done.exception, SystemExit | None), done.exc_info
            files = sorted({*Path(home).rglob("*")} - {folder, *folder.parents})
            yield Outcome(done.exit_code, done.output, files)

    return bake_one


def assert_sound(outcome: Outcome, answers: dict[str, str]) -> None:
    """Accepted, and as it should be; ``answers`` are all of them."""
    assert outcome.status == 0, outcome.said
    folder = outcome.files[0]
    assert folder.name == answers["project_slug"]
    assert_valid_files(folder)
    assert_answers_are_kept(folder, answers)


def assert_refused(outcome: Outcome, name: str = "") -> None:
    """Refused in sentences alone, one of them about the answer called ``name``."""
    assert outcome.status == 1
    assert outcome.files == []
    sentences = [SENTENCE.fullmatch(line) for line in outcome.said.splitlines()]
    assert sentences
    assert all(sentences), outcome.said
    assert not name or name in [sentence[1] for sentence in sentences]


def test_good_answers_give_a_sound_project(project, bake, seeded):
    @seeded
    @given(good_answers)
    def check(answers):
        with bake(answers) as outcome:
            assert_sound(outcome, project.answers | answers)

    check()


def test_a_bad_answer_among_good_ones_is_refused_by_name(bake, seeded):
    @seeded
    @settings(max_examples=2 * EXAMPLES)
    @given(good_answers, bad_answers)
    def check(answers, bad):
        name, value = bad
        with bake(answers | {name: value}) as outcome:
            assert_refused(outcome, name)

    check()


def test_any_answers_give_a_sound_project_or_are_refused(project, bake, seeded):
    @seeded
    @given(any_answers)
    def check(answers):
        with bake(answers) as outcome:
            if outcome.status:
                assert_refused(outcome)
            else:
                assert_sound(outcome, project.answers | answers)

    check()


def test_django_starts_and_shows_the_name(project, bake, seeded):
    programs = project.environment("requirements-dev.txt")

    @seeded
    @settings(max_examples=EXAMPLES // 4)
    @given(good_answers)
    def check(answers):
        with bake(answers) as outcome:
            folder = outcome.files[0]
            environment = bare_environment(programs, folder)
            environment |= {"DEBUG": "true", "SECRET_KEY": "s", "DATABASE_URL": "sqlite://"}
            page = run_script(START, folder, environment)
        assert "no issues" in page
        for tag in ("title", "h1"):
            assert shown(page, tag) == answers["project_name"]

    check()
