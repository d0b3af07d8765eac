"""Bad answers are refused in a sentence, with nothing left on disk; awkward good ones bake."""

import re
import runpy
import subprocess
import sys

import pytest
import yaml

from rehearsal.assertions import assert_answers_are_kept, assert_valid_files
from rehearsal.combinations import TEMPLATE, all_answers

BAD = [
    ("project_slug", "My_Site", "must be lowercase"),
    ("project_slug", "my-site", "must be lowercase"),
    ("project_slug", "my site", "must be lowercase"),
    ("project_slug", "2fast", "must be lowercase"),
    ("project_slug", "_site", "must be lowercase"),
    ("project_slug", "site_", "must be lowercase"),
    ("project_slug", "x", "must be lowercase"),
    ("project_slug", "søk", "must be lowercase"),
    ("project_slug", "my.site", "must be lowercase"),
    ("project_slug", "a" * 51, "longer than 50"),
    ("project_slug", "a" * 300, "longer than 50"),
    ("project_slug", "", "must be lowercase"),
    ("project_slug", "..", "must be lowercase"),
    ("project_slug", "../my_site", "must be lowercase"),
    ("project_slug", "my/site", "must be lowercase"),
    ("project_slug", "class", "Python keyword"),
    ("project_slug", "match", "Python keyword"),
    ("project_slug", "json", "standard library"),
    ("project_slug", "email", "standard library"),
    ("project_slug", "aux", "a folder on Windows"),
    ("project_slug", "com1", "a folder on Windows"),
    ("project_slug", "django", "the project itself uses"),
    ("project_slug", "channels", "the project itself uses"),
    ("project_slug", "gunicorn", "the project itself uses"),
    ("project_slug", "config", "the project itself uses"),
    ("project_slug", "paas", "the project itself uses"),
    ("project_slug", "users", "the project itself uses"),
    ("project_slug", "presence", "the project itself uses"),
    ("project_slug", "tests", "the project itself uses"),
    ("project_name", 'The "Site"', "a double quote"),
    ("project_name", "Back\\slash", "a backslash"),
    ("project_name", "Br{ace", "a brace"),
    ("project_name", "Two\nlines", "a line break"),
    ("project_name", "Bell\x07", "U+0007"),
    ("project_name", "evil\u202egnp", "U+202E"),
    ("project_name", "zero\u200bwidth", "U+200B"),
    ("project_name", "שלום\u200f!", "U+200F"),
    ("project_name", "a" * 80, "wider than 79"),
    ("project_name", " padded ", "begin or end with a space"),
    ("project_name", "   ", "empty"),
    ("description", "Line\u2028separator", "a line break"),
    ("description", 'A "quoted" word', "a double quote"),
    ("author_name", "Ada\tLovelace", "U+0009"),
    ("author_email", "ada", "not an e-mail address"),
    ("author_email", "ada@localhost", "not an e-mail address"),
    ("author_email", "Ada <ada@example.com>", "not an e-mail address"),
]
GOOD = [
    {"project_name": "O'Brien & Sons"},
    {"project_name": "Ålesund – søk & finn"},
    {"project_name": "Cafe #1: 100% <good>, @home!"},
    {"project_name": "حجز المواعيد", "project_slug": "booking"},
    {"project_name": "Party 🎉", "description": "Fêtes & fun: it's all here # really"},
    {"project_name": "a" * 79, "description": "b" * 79, "project_slug": "a" * 50},
    {"project_name": "#1 *Shop*_", "description": "1. [Books](x) &amp; `pens` <b>"},
    {"project_name": "0.0.0.0", "description": "---"},
    {"project_name": "/tmp/site"},
    {"project_slug": "ab"},
    {"project_slug": "null", "platform": "digitalocean"},
    {"author_name": "Renée O'Hara", "author_email": "r.o'hara+work@example.co.uk"},
    {"author_name": "Ada"},
    {"author_email": "ada@example.com"},
    {"python_version": "3.12"},
    {"python_version": "3.14"},
]


def cookiecutter(output, *options: str, **answers: str) -> subprocess.CompletedProcess:
    """Run the command as a person does."""
    words = [sys.executable, "-m", "cookiecutter", str(TEMPLATE), "--no-input", "-o", str(output)]
    words += [*options, *(f"{name}={value}" for name, value in answers.items())]
    return subprocess.run(words, check=False, capture_output=True, text=True)


@pytest.mark.parametrize(("name", "value", "sentence"), BAD)
def test_a_bad_answer_is_refused_in_one_sentence_with_an_example(tmp_path, name, value, sentence):
    # The name would make a bad one of the slug.
    done = cookiecutter(tmp_path, **{"project_slug": "my_site", name: value})
    assert done.returncode == 1
    assert re.fullmatch(rf"{name} .*{re.escape(sentence)}.*; try ['\"].+['\"]\.\n", done.stdout)
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_every_problem_is_told_at_once(tmp_path):
    done = cookiecutter(tmp_path, project_slug="class", description="{", author_email="Ada")
    names = [line.split()[0] for line in done.stdout.splitlines()]
    assert names == ["project_slug", "description", "author_email"]


def test_a_slug_that_is_a_path_makes_nothing_there(tmp_path):
    assert cookiecutter(tmp_path / "out", project_slug=str(tmp_path / "there")).returncode == 1
    assert {*tmp_path.rglob("*")} <= {tmp_path / "out"}


def test_a_refusal_loses_nothing_that_was_there(tmp_path):
    (tmp_path / "json").mkdir()
    (tmp_path / "json/precious.txt").write_text("mine")
    for options in ([], ["--overwrite-if-exists"]):
        assert cookiecutter(tmp_path, *options, project_slug="json").returncode == 1
        assert [path.name for path in (tmp_path / "json").iterdir()] == ["precious.txt"]


def test_a_project_is_not_baked_over(tmp_path):
    assert cookiecutter(tmp_path).returncode == 0
    settings, ours = tmp_path / "my_site/config/settings.py", tmp_path / "my_site/users/ours.py"
    settings.write_text("mine")
    ours.write_text("mine")
    for options in (["--overwrite-if-exists"], ["--overwrite-if-exists", "--skip-if-file-exists"]):
        done = cookiecutter(tmp_path, *options)
        assert done.returncode == 1
        assert done.stderr.startswith(
            "project_slug 'my_site' names a folder that holds '.editorconfig'"
        )
        assert "Traceback" not in done.stderr
        assert (settings.read_text(), ours.read_text()) == ("mine", "mine")


def test_a_new_repository_s_folder_takes_a_project(tmp_path):
    (tmp_path / "my_site/.git").mkdir(parents=True)
    (tmp_path / "my_site/LICENSE").write_text("ours")
    assert cookiecutter(tmp_path, "--overwrite-if-exists").returncode == 0
    assert (tmp_path / "my_site/manage.py").exists()
    assert (tmp_path / "my_site/LICENSE").read_text() == "ours"


def test_no_answer_is_an_empty_one(tmp_path):
    (tmp_path / "mine.yaml").write_text("default_context: {author_email: null, description: null}")
    done = cookiecutter(tmp_path / "out", "--config-file", str(tmp_path / "mine.yaml"))
    assert done.returncode == 0, done.stderr
    assert_valid_files(tmp_path / "out/my_site")
    assert_answers_are_kept(tmp_path / "out/my_site", all_answers({"description": ""}))


def test_every_package_of_the_lock_is_refused_as_a_name():
    taken = runpy.run_path(str(TEMPLATE / "hooks/pre_gen_project.py"))["RESERVED_NAMES"].split()
    lock = (TEMPLATE / "{{cookiecutter.project_slug}}/requirements.txt").read_text()
    for package in re.findall(r"^([\w-]+)==", lock, re.MULTILINE):
        assert package.replace("-", "_") in taken, f"add {package} to RESERVED_NAMES"


@pytest.mark.parametrize("answers", GOOD, ids=lambda answers: "-".join(answers.values())[:40])
def test_an_awkward_good_answer_bakes_a_sound_project(tmp_path, answers):
    done = cookiecutter(tmp_path, **answers)
    assert done.returncode == 0, done.stderr
    folder = next(tmp_path.iterdir())
    assert_valid_files(folder)
    assert_answers_are_kept(folder, all_answers(answers))


def test_awkward_answers_are_read_back_by_app_platform(tmp_path):
    cookiecutter(tmp_path, platform="digitalocean", project_slug="a" * 50)
    spec = yaml.safe_load(next(tmp_path.iterdir()).joinpath(".do/app.yaml").read_text())
    assert len(spec["name"]) <= 32
    assert len(spec["databases"][1]["cluster_name"]) <= 32


def test_what_is_typed_in_is_taken_as_it_is(tmp_path):
    words = [sys.executable, "-m", "cookiecutter", str(TEMPLATE), "-o", str(tmp_path)]
    done = subprocess.run(words, input="{{ 7 * 7 }}\n", check=False, capture_output=True, text=True)
    assert "project_name '{{ 7 * 7 }}' must not contain a brace;" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_console_without_the_letters_of_the_name_does_not_cost_the_project(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = cookiecutter(tmp_path, project_name="Ålesund 🎉")
    assert done.returncode == 0, done.stderr
    assert "?lesund ? is in " in done.stdout
    done = cookiecutter(tmp_path, project_slug="Ålesund")
    assert done.stdout.startswith(r"project_slug '\xc5lesund' must be lowercase")


def test_the_same_answers_give_the_same_bytes(tmp_path):
    trees = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        cookiecutter(folder)
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        trees.append([(path.relative_to(folder), path.read_bytes()) for path in paths])
    assert trees[0] == trees[1] != []
