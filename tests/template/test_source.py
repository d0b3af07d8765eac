"""The template's own source: real code that parses as it stands, with every answer in its place."""

import ast
import re

import pytest
from cookiecutter.main import cookiecutter

from tests.harness.assertions import assert_ruff_passes, files_of, tracked
from tests.harness.checkouts import copy_template
from tests.harness.combinations import (
    CHOICES,
    DERIVED,
    EACH_SERVER,
    OPTIONS,
    PACKAGE,
    PROJECT,
    QUESTIONS,
    TEMPLATE,
    all_answers,
)


def test_ruff_finds_nothing_in_the_source_as_it_stands():
    assert_ruff_passes(TEMPLATE)
    # A project's configuration leaves out vendor/.
    assert_ruff_passes(PACKAGE)


@pytest.fixture(scope="module")
def known() -> dict[str, set]:
    """Every answer that may be asked about, by its question or private name."""
    baked = [all_answers(answers) for answers in EACH_SERVER]  # all values of each
    return {name: {answers[name] for answers in baked} for name in [*CHOICES, *DERIVED]}


def test_conditions_compare_only_with_answers_that_exist(known):
    for path in tracked("{{cookiecutter.project_slug}}"):
        for name, value in re.findall(r'cookiecutter\.(\w+) == "([^"]+)"', path.read_text()):
            assert value in known[name], f"{path}: {name} is never {value}"


def test_every_file_and_answer_in_the_hook_s_table_exists(known):
    source = (TEMPLATE / "hooks/post_gen_project.py").read_text()
    table = re.search(r"^ONLY_FOR = (\{.+?^\})", source, re.MULTILINE | re.DOTALL)[1]
    files = ast.literal_eval(table)
    paths = [path for paths in files.values() for path in paths]
    assert [path for path in paths if not (PROJECT / path).exists()] == []
    assert [key for key in files if key[1] not in known[key[0]]] == []


def test_every_question_and_choice_has_a_label():
    labels = QUESTIONS["__prompts__"]
    asked = {name for name in QUESTIONS if not name.startswith("_")}
    assert set(labels) == asked
    for name in {*CHOICES, "python_version"} - {*OPTIONS}:
        assert set(labels[name]) == {"__prompt__", *QUESTIONS[name]}


def test_every_link_to_a_file_of_ours_leads_there():
    links = [
        (path, target)
        for path in tracked("*.md")
        if PROJECT not in path.parents or PACKAGE in path.parents
        for target in re.findall(r"\]\(([\w./{}-]+)(?:#[\w-]+)?\)", path.read_text())
    ]
    assert len(links) > 5
    assert [link for link in links if not (link[0].parent / link[1]).exists()] == []


def test_actions_are_pinned_by_commit_and_those_of_the_project_are_among_ours():
    """Dependabot updates only those of this repository."""
    ours, theirs = (
        {
            action
            for path in (folder / ".github/workflows").glob("*.yml")
            for action in re.findall(r"uses: (.+)", path.read_text())
        }
        for folder in (TEMPLATE, PROJECT)
    )
    for action in ours:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action
    assert theirs <= ours


def test_a_project_has_every_file_of_the_package_and_no_caches(tmp_path):
    template, folder = copy_template(tmp_path / "template"), PACKAGE.relative_to(TEMPLATE)
    for name in (".ruff_cache", "src/paas/__pycache__"):
        (template / folder / name).mkdir()
        (template / folder / name / "of_a_test").touch()
    options = {"no_input": True, "output_dir": tmp_path, "default_config": True}
    baked = tmp_path / cookiecutter(str(template), **options) / "vendor/django-paas"
    assert {path.relative_to(baked) for path in files_of(baked)} == {
        path.relative_to(PACKAGE) for path in tracked(folder.as_posix())
    }


def test_the_site_that_the_package_is_tested_on_has_a_project_s_middleware():
    middleware = re.compile(r'^    "([\w.]+Middleware)",(?:  #.+)?$', re.MULTILINE)
    example = TEMPLATE / "tests/package/example/settings.py"
    ours = PROJECT / "config/settings.py"
    assert middleware.findall(example.read_text()) == middleware.findall(ours.read_text())
