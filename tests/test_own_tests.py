"""The generated project's own tests and checks pass, in every combination."""

import os

from rehearsal.processes import run


def test_its_own_tests_pass(project, report):
    folder = project.checkout("own-tests")
    programs = project.environment("requirements-dev.txt")
    environment = {"PATH": f"{programs}:{os.defpath}", "LANG": "C.UTF-8"}
    printed = run("make test", folder, environment)
    assert " passed" in printed
    report("own tests", printed.split(" passed")[0].split()[-1])
    run("make check", folder, environment)
