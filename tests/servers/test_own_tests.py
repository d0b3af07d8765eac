"""The generated project's own tests and checks pass with each server."""

from rehearsal.combinations import CHOICES, OPTIONS, OWN_TESTS, for_combinations, is_asgi

# Nothing is deployed: these may run on a worker of their own.
each_server = for_combinations(OWN_TESTS, apart="own tests")


def test_own_tests_meet_every_option_with_each_platform_and_interface():
    assert {answers["server"] for answers in OWN_TESTS} == set(CHOICES["server"])
    for option in OPTIONS:
        met = [answers for answers in OWN_TESTS if answers[option]]
        assert {answers["platform"] for answers in met} == set(CHOICES["platform"]), option
        assert {is_asgi(answers) for answers in met} == {True, False}, option


@each_server
def test_its_own_tests_pass(clone, report):
    printed = clone.run("make test")
    report("own tests", int(printed.split(" passed")[0].split()[-1]))


@each_server
def test_its_own_checks_pass(clone):
    clone.run("make check")
