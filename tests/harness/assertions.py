"""What holds for every project that was baked, whatever the answers."""

import ast
import html
import json
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import yaml
from markdown_it import MarkdownIt
from ruff import find_ruff_bin

from tests.harness.combinations import TEMPLATE

PARSERS = {
    ".py": ast.parse,
    ".toml": tomllib.loads,
    ".json": json.loads,
    ".yaml": yaml.safe_load,
    ".yml": yaml.safe_load,
}


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def own_files_of(folder: Path) -> list[Path]:
    """The project's files without those of django-paas, the same for all answers."""
    return [path for path in files_of(folder) if folder / "vendor" not in path.parents]


@cache
def tracked(pattern: str) -> list[Path]:
    """This repository's files that match the pattern, without those that git ignores."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", pattern]
    listed = subprocess.run(command, cwd=TEMPLATE, check=True, capture_output=True, text=True)
    paths = [TEMPLATE / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.exists()]


def parse(path: Path):
    """What the file says, by its suffix, or its text; raises what the parser raises."""
    return PARSERS.get(path.suffix, str)(path.read_text())


def shown(page: str, tag: str) -> str:
    """The text of the HTML page's first element of this kind, with any tags that are inside."""
    found = re.search(rf"<{tag}\b[^>]*>(.*?)</{tag}>", page, re.DOTALL)
    assert found, f"the page has no <{tag}>"
    return html.unescape(found[1])


def assert_ruff_passes(folder: Path) -> None:
    for command in ("check", "format --check --diff"):
        words = [find_ruff_bin(), *command.split(), "--no-cache", "."]
        done = subprocess.run(words, cwd=folder, check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"ruff {command}\n{done.stdout}{done.stderr}"


def assert_valid_files(folder: Path) -> None:
    for path in files_of(folder):
        parse(path)
    assert_ruff_passes(folder)


def assert_answers_are_kept(folder: Path, answers: dict[str, str]) -> None:
    """Each answer can be read in every file that holds it; ``answers`` are all of them."""
    name, description = answers["project_name"], answers["description"] or ""
    settings = (folder / "config/settings.py").read_text()
    for setting, text in {"SITE_NAME": name, "SITE_DESCRIPTION": description}.items():
        line = re.search(rf"^{setting} = (.+)$", settings, re.MULTILINE)
        assert ast.literal_eval(line[1]) == text
    readme = MarkdownIt().enable("strikethrough").render(parse(folder / "README.md"))
    assert shown(readme, "h1") == name
    assert not description or shown(readme, "em") == description
    project = parse(folder / "pyproject.toml")["project"]
    assert project["description"] == description
    author = {"name": answers["author_name"], "email": answers["author_email"]}
    given = {key: text for key, text in author.items() if text}
    assert project.get("authors", []) == [given] * bool(given)
    assert parse(folder / "runtime.txt") == f"python-{answers['python_version']}\n"
    manifest = {"heroku": "app.json", "digitalocean": ".do/app.yaml"}[answers["platform"]]
    assert_names_fit(parse(folder / manifest), description)


def assert_names_fit(manifest: dict, description: str) -> None:
    assert manifest.get("description", description) == description
    assert re.fullmatch("[a-z][a-z0-9-]{0,28}[a-z0-9]", manifest["name"])
    clusters = [database.get("cluster_name", "") for database in manifest.get("databases", [])]
    assert max(map(len, clusters), default=0) <= 32
