"""Random good answers give a valid project, and bad ones one error each and no files.

The examples are the same in every run. With EXAMPLES=500 in the environment there are 500 others,
and Hypothesis shrinks one that fails, which takes long.
"""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from click.testing import CliRunner, Result
from cookiecutter.cli import main
from hypothesis import HealthCheck, Phase, given, settings

from rehearse.processes import bare_environment
from tests.harness.assertions import assert_answers_are_kept, assert_valid_files, shown
from tests.harness.combinations import TEMPLATE, by_name, for_combinations
from tests.harness.commands import run_script
from tests.rehearsals.strategies import bad_answers, good_answers

EXAMPLES = int(os.environ.get("EXAMPLES", "24"))
IS_FIXED = "EXAMPLES" not in os.environ
# The first example reads Unicode's tables.
SETTINGS = settings(
    deadline=None,
    derandomize=IS_FIXED,
    phases=[Phase.generate] if IS_FIXED else list(Phase),
    suppress_health_check=[HealthCheck.too_slow],
)
# The answer's name, what is wrong with it, and an example that works.
SENTENCE = re.compile(r"([a-z_]+) .+; try ['\"].+['\"]\.")
START = """
from django.core.management import call_command
from django.test import Client
call_command("check", fail_level="WARNING")
print(Client(SERVER_NAME="localhost").get("/").text)
"""


@contextmanager
def baked(answers: dict) -> Iterator[tuple[Result, list[Path]]]:
    """Run Cookiecutter; yield its result and the files and folders it made, the project's first."""
    options = [f"{name}={answer}" for name, answer in answers.items()]
    with tempfile.TemporaryDirectory() as home:
        # Deep enough for an answer that climbs out of it.
        folder = Path(home, "a/b/c/d/out")
        folder.mkdir(parents=True)
        done = CliRunner().invoke(main, [str(TEMPLATE), "--no-input", "-o", str(folder), *options])
        assert isinstance(done.exception, SystemExit | None), done.exc_info
        yield done, sorted({*Path(home).rglob("*")} - {folder, *folder.parents})


def bad_names(answers: dict) -> set[str]:
    """The names of the answers that are rejected.

    Each must have one sentence, and no files may be left. If none is rejected, the project must be
    valid and keep all answers.
    """
    with baked(answers) as (done, files):
        if done.exit_code == 0:
            assert files[0].name == answers["project_slug"]
            assert_valid_files(files[0])
            assert_answers_are_kept(files[0], answers)
            return set()
        assert done.exit_code == 1
        assert files == []
        sentences = [SENTENCE.fullmatch(line) for line in done.output.splitlines()]
        assert all(sentences), done.output
        return {sentence[1] for sentence in sentences}


@settings(SETTINGS, max_examples=EXAMPLES)
@given(good_answers)
def test_good_answers_give_a_valid_project(answers):
    assert bad_names(answers) == set()


@settings(SETTINGS, max_examples=2 * EXAMPLES)
@given(good_answers, bad_answers)
def test_a_bad_answer_among_good_ones_is_rejected_by_name(answers, bad):
    name, value = bad
    assert name in bad_names(answers | {name: value})


# The page shows the name in the same way in every combination.
@for_combinations(by_name("heroku-asgi-uvicorn"))
@settings(SETTINGS, max_examples=EXAMPLES // 4)
@given(answers=good_answers)
def test_django_starts_and_shows_the_name(project, answers):
    programs = project.environment("requirements-dev.txt")
    with baked(answers | project.answers) as (_, files):
        environment = bare_environment(programs, files[0])
        environment |= {"DEBUG": "true", "SECRET_KEY": "s", "DATABASE_URL": "sqlite://"}
        page = run_script(START, files[0], environment)
    assert "no issues" in page
    for tag in ("title", "h1"):
        assert shown(page, tag) == answers["project_name"]
