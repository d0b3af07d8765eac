"""The generated project's own tests and checks pass, in every combination."""

from combinations import COMBINATIONS, about
from rehearsal.processes import bare_environment, run

pytestmark = about(COMBINATIONS)


def test_its_own_tests_pass(project, report):
    folder = project.checkout("own-tests")
    programs = project.environment("requirements-dev.txt")
    environment = bare_environment(programs, folder)
    printed = run("make test", folder, environment)
    assert " passed" in printed
    report("own tests", int(printed.split(" passed")[0].split()[-1]))
    run("make check", folder, environment)
