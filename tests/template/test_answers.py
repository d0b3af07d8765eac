"""Bad answers are rejected in a sentence, with nothing left on disk; awkward good ones bake."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cookiecutter.cli import main

from tests.harness.assertions import assert_answers_are_kept, assert_valid_files, files_of
from tests.harness.combinations import QUESTIONS, TEMPLATE, all_answers

# A question, part of the error, and bad answers.
BAD: list[tuple[str, str, list[str]]] = [
    (
        "project_slug",
        "must be lowercase",
        ["My_Site", "my-site", "2fast", "_site", "site_", "", "x"],
    ),
    (
        "project_slug",
        "must be lowercase",
        ["søk", "١site", "..", "../my_site", "a\\b", "~", "*", "$x"],
    ),
    ("project_slug", "must be lowercase", ["a{{ 7*7 }}", "<# #>", "# <% if 1 %>"]),
    ("project_slug", "longer than 50", ["a" * 51, "a" * 300]),
    ("project_slug", "Python keyword", ["class", "match"]),
    ("project_slug", "standard library", ["json", "email"]),
    ("project_slug", "a folder on Windows", ["aux", "com1"]),
    ("project_slug", "the project itself uses", ["django", "pytest_django", "config", "users"]),
    ("project_name", "a double quote", ['The "Site"']),
    ("project_name", "a backslash", ["Back\\slash"]),
    ("project_name", "a brace", ["Br{ace", "{{ cookiecutter.nothing }}"]),
    ("project_name", "'<%'", ["# <% endif %>"]),
    ("project_name", "'<#'", ["My <# Site"]),
    ("project_name", "a line break", ["Two\nlines"]),
    ("project_name", "the character U+", ["Bell\x07", "evil\u202egnp", "zero\u200bwidth"]),
    ("project_name", "the character U+", [f"My{one}Site" for one in "\ufeff\xad\u3164\xa0"]),
    ("project_name", "wider than 79", ["a" * 80]),
    ("project_name", "begin or end with a space", [" padded "]),
    ("project_name", "empty", ["   "]),
    ("description", "a line break", ["Line\u2028separator"]),
    ("description", "'<#'", ["<# #>"]),
    ("author_name", "U+0009", ["Ada\tLovelace"]),
    ("author_email", "not an email address", ["ada", "ada@localhost", "Ada <ada@example.com>"]),
    (
        "author_email",
        "not an email address",
        ["{{ 7*7 }}@example.com", "a@b@example.com", "a@b..c"],
    ),
]
GOOD = [
    {"project_name": "O'Brien & Sons", "author_name": "Ada", "python_version": "3.12"},
    {"project_name": "Ålesund – søk & finn", "author_email": "ada@example.com"},
    {"project_name": "Cafe #1: 100% <good>, @home!", "python_version": "3.14"},
    {"project_name": "حجز المواعيد", "project_slug": "ab"},
    {"project_name": "می\u200cخواهم 👩\u200d💻", "project_slug": "zwnj"},
    {
        "project_name": "Party 🎉",
        "description": "Fêtes & fun: it's all here # really",
        "author_name": "Renée O'Hara",
        "author_email": "r.o'hara+work@example.co.uk",
    },
    {
        "project_name": "a" * 79,
        "description": "b" * 79,
        "project_slug": "a" * 50,
        "platform": "digitalocean",
    },
    {"project_name": "#1 *Shop*_", "description": "1. [Books](x) &amp; `pens` <b>"},
    {"project_name": "0.0.0.0", "description": "---", "project_slug": "null"},
    {"project_name": "/tmp/site", "platform": "digitalocean"},
    # Words with a meaning in YAML, TOML, Markdown, HTML, Jinja, Python, Ruff or a shell.
    {
        "project_name": "''' #> %> endif <!-- --> & &amp; < > </h1> </title> ** _ __ ``` ~~~ === |",
        "description": "![ [a](b) [a]: ( ) 1. ; :: , @x %s %(x)s ^ $PORT $(ls) >&2 && true null no .inf",
        "author_name": "- -- 0x1 1e3 2026-01-01 12:30:45 /dev/shm C:/ file:// :tada: #noqa",
    },
    {
        "project_name": ": true",
        "description": "a  b # - c",
        "author_name": "e\u0301 ß İ ﷺ 🇳🇴 𝔘 ไทย",
    },
]


def cookiecutter(output: Path, *options: str, typed: str = "", **answers: str) -> Result:
    """Cookiecutter's command, in this process."""
    given = [f"{name}={value}" for name, value in answers.items()]
    return CliRunner().invoke(main, [str(TEMPLATE), "-o", str(output), *options, *given], typed)


def assert_rejected(output: Path, sentence: str, **answers: str) -> None:
    """Bad answers end in one sentence with an example, and write nothing."""
    done = cookiecutter(output, "--no-input", **answers)
    assert done.exit_code == 1
    *_, name = answers
    expected = rf"{name} .*{re.escape(sentence)}.*; try ['\"].+['\"]\.\n"
    assert re.fullmatch(expected, done.output), done.output


@pytest.mark.parametrize(("name", "sentence", "values"), BAD)
def test_a_bad_answer_is_rejected_in_one_sentence_with_an_example(tmp_path, name, sentence, values):
    for value in values:
        # Otherwise the slug would be derived from a bad name.
        assert_rejected(tmp_path, sentence, **{"project_slug": "my_site"} | {name: value})
    assert files_of(tmp_path) == []


def test_a_slug_that_is_a_path_makes_nothing_there(tmp_path):
    assert_rejected(tmp_path, "must be lowercase", project_slug=str(tmp_path / "there"))
    assert not (tmp_path / "there").exists()


def test_all_problems_are_printed_at_once(tmp_path):
    answers = {"project_slug": "class", "description": "{", "author_email": "Ada"}
    done = cookiecutter(tmp_path, "--no-input", **answers)
    assert done.exit_code == 1
    assert [line.split()[0] for line in done.output.splitlines()] == list(answers)
    assert list(tmp_path.iterdir()) == []


def test_answers_are_not_rendered_wherever_they_come_from(tmp_path):
    """On the command line and in a file of defaults, as any text."""
    (tmp_path / "mine.yaml").write_text("default_context: {description: '{{ 7*7 }}'}")
    options = ["--no-input", "--config-file", str(tmp_path / "mine.yaml")]
    done = cookiecutter(
        tmp_path / "out", *options, project_name="# <% if 1 %>", author_name="<# #>"
    )
    assert done.exit_code == 1
    assert [line.partition(";")[0] for line in done.output.splitlines()] == [
        "description '{{ 7*7 }}' must not contain a brace",
        "project_name '# <% if 1 %>' must not contain '<%'",
        "author_name '<# #>' must not contain '<#'",
    ]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [("python_version", "2.7"), ("platform", "aws"), ("server", "flask")],
)
def test_an_invalid_choice_is_an_error_that_names_question_value_and_choices(tmp_path, name, value):
    """By Cookiecutter, before it loads any code of a template: docs/decisions/questions.md."""
    done = cookiecutter(tmp_path / "out", "--no-input", **{name: value})
    assert done.exit_code == 1
    error = str(done.exception)
    assert error.startswith(f"{value} provided for choice variable {name}, but the choices are ")
    assert all(
        repr(choice) in error for choice in QUESTIONS["__prompts__"][name] if "__" not in choice
    )
    assert not (tmp_path / "out").exists()


def test_an_unknown_name_on_the_command_line_is_rejected_before_questions(tmp_path):
    for options in ([], ["--no-input"]):
        done = cookiecutter(tmp_path, *options, project_nam="Shop")
        assert done.output == "project_nam is not a question; try 'project_name'.\n"
        assert done.exit_code == 1


def test_a_rejected_answer_deletes_no_file_that_was_there(tmp_path):
    (tmp_path / "json").mkdir()
    (tmp_path / "json/precious.txt").write_text("mine")
    for options in ([], ["--overwrite-if-exists"]):
        done = cookiecutter(tmp_path, "--no-input", *options, project_slug="json")
        assert done.exit_code == 1
        assert [path.name for path in (tmp_path / "json").iterdir()] == ["precious.txt"]


def test_a_project_is_not_baked_over(tmp_path, capfd):
    assert cookiecutter(tmp_path, "--no-input").exit_code == 0
    settings, ours = tmp_path / "my_site/config/settings.py", tmp_path / "my_site/users/ours.py"
    settings.write_text("mine")
    ours.write_text("mine")
    for options in (["--overwrite-if-exists"], ["--overwrite-if-exists", "--skip-if-file-exists"]):
        capfd.readouterr()
        done = cookiecutter(tmp_path, "--no-input", *options)
        assert done.exit_code == 1
        error = capfd.readouterr().err  # by the hook, in a process of its own
        assert error.startswith("project_slug 'my_site' names a folder that holds '.env.example'")
        assert "Traceback" not in error + done.output
        assert (settings.read_text(), ours.read_text()) == ("mine", "mine")


def test_a_new_repository_s_folder_takes_a_project(tmp_path):
    (tmp_path / "my_site/.git").mkdir(parents=True)
    (tmp_path / "my_site/LICENSE").write_text("ours")
    assert cookiecutter(tmp_path, "--no-input", "--overwrite-if-exists").exit_code == 0
    assert (tmp_path / "my_site/manage.py").exists()
    assert (tmp_path / "my_site/LICENSE").read_text() == "ours"


def test_a_null_answer_counts_as_an_empty_one(tmp_path):
    (tmp_path / "mine.yaml").write_text("default_context: {author_email: null, description: null}")
    options = ["--no-input", "--config-file", str(tmp_path / "mine.yaml")]
    assert cookiecutter(tmp_path / "out", *options).exit_code == 0
    assert_valid_files(tmp_path / "out/my_site")
    assert_answers_are_kept(tmp_path / "out/my_site", all_answers({"description": ""}))


@pytest.mark.parametrize(
    ("default", "sentence"),
    [
        ("python_version: 3.14", 'is 3.14; try one of "3.13", "3.12", "3.14".'),
        ("use_celery: maybe", "is 'maybe'; try true or false."),
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid default received")
def test_a_default_that_cookiecutter_would_ignore_is_rejected(tmp_path, default, sentence):
    """It warns of it, and ignores all defaults after it."""
    (tmp_path / "mine.yaml").write_text(f"default_context: {{{default}, platform: digitalocean}}")
    options = ["--no-input", "--config-file", str(tmp_path / "mine.yaml")]
    done = cookiecutter(tmp_path / "out", *options)
    assert done.exit_code == 1
    name = default.partition(":")[0]
    assert done.output == f"{name} in your configuration of Cookiecutter {sentence}\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("answers", GOOD, ids=lambda answers: answers["project_name"])
def test_an_awkward_good_answer_bakes_a_valid_project(cookies, answers):
    baked = cookies.bake(extra_context=answers)
    assert baked.exception is None
    assert_valid_files(baked.project_path)
    assert_answers_are_kept(baked.project_path, all_answers(answers))


def test_a_console_without_the_letters_of_the_name_does_not_cost_the_project(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")

    def printed(answer: str) -> str:
        words = [sys.executable, "-m", "cookiecutter", TEMPLATE, "--no-input", "-o", tmp_path]
        return subprocess.run([*words, answer], check=False, capture_output=True, text=True).stdout

    assert "?lesund ? is in " in printed("project_name=Ålesund 🎉")
    assert (tmp_path / "alesund/manage.py").exists()
    assert printed("project_slug=Ålesund").startswith(
        r"project_slug '\xc5lesund' must be lowercase"
    )
