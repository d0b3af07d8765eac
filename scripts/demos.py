"""Bake a project for each server, and commit it to the branch of that server if it changed.

    python -m scripts.demos
    git diff origin/demo-asgi-daphne demo-asgi-daphne  # what this working tree changes in a project

Each branch continues that of ``origin``, if there is one. Nothing is pushed, and neither the
checked-out branch nor its files change. The project is in a folder of the branch, not at its top:
GitHub lets no workflow's own token push files in ``.github/workflows``.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    for server in json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))["server"]:
        with tempfile.TemporaryDirectory() as folder:
            bake(server, Path(folder))
            tree = write_tree(Path(folder))
        branch = f"demo-{server}"
        parent = git("for-each-ref", "--format=%(objectname)", f"refs/remotes/origin/{branch}")
        is_new = not parent or git("rev-parse", f"{parent}^{{tree}}") != tree
        commit = write_commit(tree, parent) if is_new else parent
        git("update-ref", f"refs/heads/{branch}", commit)
        print(f"{branch}: {'new' if is_new else 'unchanged'}, {commit}")


def bake(server: str, folder: Path) -> None:
    """Bake with this server, and the defaults of all else."""
    options = ["--no-input", "--default-config", "--output-dir", str(folder)]
    command = [sys.executable, "-m", "cookiecutter", *options, str(ROOT), f"server={server}"]
    # It prints the next steps, which are of no use here.
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def write_tree(folder: Path) -> str:
    """Store the folder's files in this repository, without its index, and return their tree."""
    with tempfile.TemporaryDirectory() as temporary:
        index = {"GIT_INDEX_FILE": str(Path(temporary, "index"))}
        git("--work-tree", str(folder), "add", "--all", "--force", str(folder), **index)
        return git("write-tree", **index)


def write_commit(tree: str, parent: str) -> str:
    """Commit the tree in the name of the template's last commit, with its date."""
    log = git("log", "-1", "--format=%an%n%ae%n%aI%n%s%n%H")
    name, email, date, subject, commit = log.splitlines()
    identity: dict[str, str] = {}
    for role in ("AUTHOR", "COMMITTER"):
        identity |= {f"GIT_{role}_NAME": name, f"GIT_{role}_EMAIL": email, f"GIT_{role}_DATE": date}
    parents = ["-p", parent] if parent else []
    message = ["-m", subject, "-m", f"Template: {commit}"]
    return git("commit-tree", tree, *parents, *message, **identity)


def git(*words: str, **changes: str) -> str:
    """What this git command prints, run in this repository; it shows its own errors."""
    command, environment = ["git", *words], os.environ | changes
    return subprocess.check_output(command, encoding="utf-8", cwd=ROOT, env=environment).strip()


if __name__ == "__main__":
    main()
