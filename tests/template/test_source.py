"""The template's own source: real code that parses as it stands, with every option in its place."""

import ast
import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.harness.assertions import assert_ruff_passes, tracked
from tests.harness.combinations import (
    CHOICES,
    COMBINATIONS,
    DERIVED,
    EACH_SERVER,
    OPTIONS,
    PACKAGE,
    PROJECT,
    QUESTIONS,
    TEMPLATE,
    all_answers,
)

# Device names that Windows reserves, with any suffix.
RESERVED = "con|prn|aux|nul|com[0-9]|lpt[0-9]"

# How many of the project's files may name an option, or a private value derived from it. A commit
# that raises a number gives the reason.
BUDGET = {"platform": 7, "server": 17, "use_celery": 17, "use_s3_media": 9}


def test_ruff_finds_nothing_in_the_source_as_it_stands():
    assert_ruff_passes(TEMPLATE)
    # A project's configuration leaves out vendor/.
    assert_ruff_passes(PACKAGE)


def files_naming(option: str) -> list[str]:
    derived = [name for name, questions in DERIVED.items() if option in questions]
    pattern = "|".join(rf"\bcookiecutter\.{name}\b" for name in [option, *derived])
    found = [
        path.relative_to(PROJECT).as_posix()
        for path in tracked("{{cookiecutter.project_slug}}")
        if re.search(pattern, path.read_text())
    ]
    return sorted(found)


def test_no_option_is_named_in_more_files_than_its_budget():
    for option in CHOICES:
        files = files_naming(option)
        assert len(files) <= BUDGET.get(option, 0), f"BUDGET of {option}: {files}"


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
    assert len(paths) > 5
    assert [path for path in paths if not (PROJECT / path).exists()] == []
    assert [key for key in files if key[1] not in known[key[0]]] == []


def test_files_are_rendered_if_they_hold_something_to_render():
    """Others are copied, by _copy_without_render: docs/decisions/questions.md says why."""
    patterns = QUESTIONS["_copy_without_render"]
    for path in tracked("{{cookiecutter.project_slug}}"):
        name = path.relative_to(PROJECT)
        is_copied = any(
            fnmatch(part.as_posix(), pattern)
            for part in [name, *name.parents]
            for pattern in patterns
        )
        holds_marks = bool(re.search(r"<%|<#|cookiecutter\.", path.read_text()))
        advice = f"{'take it from' if is_copied else 'add it to'} _copy_without_render"
        assert is_copied != holds_marks, f"{name}: {advice} in cookiecutter.json"


def test_every_choice_has_a_label():
    labels = QUESTIONS["__prompts__"]
    asked = {name for name in QUESTIONS if not name.startswith("_")}
    assert set(labels) == asked | {"__prices__"}
    assert set(labels["__prices__"]) == set(CHOICES["platform"])
    for prices in labels["__prices__"].values():
        assert set(prices) <= {*asked, *CHOICES["server"]}
    for name, values in CHOICES.items():
        if name not in OPTIONS:
            assert set(labels[name]) == {"__prompt__", *values}
    # Not offered: the sentence of an older project names the command that updates it.
    assert set(QUESTIONS["server"]) - set(labels["server"]) == {"asgi-gunicorn"}
    assert set(QUESTIONS["platform"]) == set(CHOICES["platform"])


def test_the_readme_knows_every_question_and_the_number_of_combinations():
    readme = (TEMPLATE / "README.md").read_text()
    assert f"{len(COMBINATIONS)} combinations" in readme
    asked = [name for name in QUESTIONS if not name.startswith("_")]
    assert [name for name in asked if f"`{name}`" not in readme] == []


def test_the_first_command_of_the_readme_needs_no_address_and_two_commands_have_it():
    """CONTRIBUTING.md's commands replace OWNER in README.md only."""
    address = re.compile(r"(?:gh:|github\.com[:/])([\w-]+)/cookiecutter-django-paas\b")
    found = {
        path.relative_to(TEMPLATE).as_posix(): names
        for path in tracked(".")
        if path.suffix not in (".jpg", ".png", ".svg")
        and (names := address.findall(path.read_text()))
    }
    assert list(found) == ["README.md"]
    [owner] = set(found["README.md"])
    readme = (TEMPLATE / "README.md").read_text()
    first, second, *_ = re.findall(r"^```sh\n(.+?)\n```$", readme, re.MULTILINE)
    assert ".venv/bin/cookiecutter --output-dir .. ." in first
    assert second == f"uvx cookiecutter gh:{owner}/cookiecutter-django-paas"


def test_a_project_has_the_version_of_the_template():
    """One made without cruft has it from nowhere else."""
    of_template, of_project = (
        (folder / "pyproject.toml").read_text() for folder in (TEMPLATE, PROJECT)
    )
    version = tomllib.loads(of_template)["project"]["version"]
    section = of_project.partition("[tool.cookiecutter-django-paas]\n")[2]
    assert section.startswith(f'version = "{version}"')


def test_every_link_to_a_file_of_ours_leads_there():
    links = [
        (path, target)
        for path in tracked("*.md")
        if PROJECT not in path.parents or PACKAGE in path.parents
        for target in re.findall(r"\]\(([\w./{}-]+)(?:#[\w-]+)?\)", path.read_text())
    ]
    assert len(links) > 5
    assert [link for link in links if not (link[0].parent / link[1]).exists()] == []


def actions(folder: Path) -> set[str]:
    workflows = (folder / ".github/workflows").glob("*.yml")
    found = (re.findall(r"uses: (.+)", path.read_text()) for path in workflows)
    return {action for actions in found for action in actions}


def test_actions_are_pinned_by_commit_and_those_of_the_project_are_among_ours():
    """Dependabot updates only those of this repository."""
    for action in actions(TEMPLATE):
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action
    assert actions(PROJECT) <= actions(TEMPLATE)


def test_every_path_can_be_checked_out_on_windows():
    paths = [path.relative_to(TEMPLATE).as_posix() for path in tracked(".")]
    assert len({path.casefold() for path in paths}) == len(paths) > 100
    for path in paths:
        assert not re.search(r'[<>:"|?*\\\x00-\x1f]|[. ](/|$)', path), path
        assert not re.search(rf"(^|/)({RESERVED})(\.|/|$)", path, re.IGNORECASE), path
        assert len(path) < 150, path


def test_both_repositories_have_the_same_verbs_and_the_same_hook_before_a_commit():
    for folder in (TEMPLATE, PROJECT):
        verbs = (folder / "Makefile").read_text().partition(".PHONY: ")[2].split()
        assert verbs[:4] == ["run", "test", "check", "lock"]
    hook = ".pre-commit-config.yaml"
    assert (TEMPLATE / hook).read_text() == (PROJECT / hook).read_text()


def test_assistants_get_25_lines_with_commands_and_sections_that_exist():
    agents = (PROJECT / "AGENTS.md").read_text()
    assert len(agents.splitlines()) <= 25
    verbs = set((PROJECT / "Makefile").read_text().partition(".PHONY: ")[2].split("\n")[0].split())
    named = {verb for verbs in re.findall(r"`make ([a-z ]+)`", agents) for verb in verbs.split()}
    assert named == verbs - {"upgrade", "prod"}
    readme = (PROJECT / "README.md").read_text()
    for section in re.findall(r'"([A-Z][\w ]+)"', agents):
        assert f"\n## {section}\n" in readme


def test_only_what_this_project_is_made_of_lies_at_the_top():
    top = {path.relative_to(TEMPLATE).parts[0] for path in tracked(".")}
    # Cookiecutter imports an extension from the top, not from a folder below.
    for_users = "cookiecutter.json {{cookiecutter.project_slug}} hooks paas_questions.py"
    for_maintainers = """
        .ci .gitattributes .github .gitignore .pre-commit-config.yaml .python-version CHANGELOG.md
        CONTRIBUTING.md LICENSE Makefile README.md conftest.py docs pyproject.toml rehearse
        requirements.txt scripts tests
    """
    assert top == set(f"{for_users} {for_maintainers}".split())


def option_lines(text: str) -> set[int]:
    """The numbers of the lines that hold an option's marks, or are between them."""
    found, depth = set(), 0
    for number, line in enumerate(text.splitlines(), start=1):
        mark = re.match(r"\s*# <% (if|endif)", line)
        depth += {"if": 1, "endif": -1}[mark[1]] if mark else 0
        if mark or depth:
            found.add(number)
    return found


# A statement that extends a list, or removes from it.
EXTENDS = re.compile(
    r"\s*([\w.]+)( \+= (\[|\(.*,|\($)|\.(append|extend|insert|remove)\(| = (\[.*[*+ ])?\1\b)"
)


def test_options_stand_outside_the_imports_and_inside_the_lists():
    for path in tracked("{{cookiecutter.project_slug}}/*.py"):
        text = path.read_text()
        optional, lines = option_lines(text), text.splitlines()
        for number in optional:
            assert not EXTENDS.match(lines[number - 1]), (
                f"{path}:{number}: put the mark into the list"
            )
        imports = [
            node for node in ast.parse(text).body if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        if imports:
            assert not optional & set(range(imports[0].lineno, imports[-1].lineno)), path
