"""Mutants of "The template itself"."""

from scripts.mutants.row import PROJECT, WAITRESS, by_template

HOOK = "hooks/pre_gen_project.py"

ANSWERS = "bad answers write no project, whatever they are"
BAKED_OVER = "a project is not baked over, nor what its user put there"
FREE_TEXT = "free text is text, wherever it is shown"
YANKED = "no withdrawn release is locked"
BOUNDS = "a package whose classes are subclassed has an upper bound; Dependabot does not raise the server's"
WEEKLY = "packages and actions are raised every week"
REFUSED = "test_answers.py::test_a_bad_answer_is_refused_in_one_sentence_with_an_example"

MUTANTS = (
    by_template(ANSWERS, HOOK, "if slug in sys.stdlib_module_names:", "if False:", REFUSED),
    by_template(ANSWERS, HOOK, "if slug in RESERVED_NAMES.split():", "if False:", REFUSED),
    by_template(ANSWERS, HOOK, "if email and not EMAIL.fullmatch(email):", "if False:", REFUSED),
    by_template(
        ANSWERS,
        "paas_questions.py",
        'refuse(rules()["problems"](answers))',
        "pass",
        "test_questions.py::test_cruft_ends_with_the_sentences_and_writes_nothing",
    ),
    by_template(
        BAKED_OVER,
        HOOK,
        "if lost := sorted(set(names) - ALLOWED_EXISTING_FILES):",
        "if lost := []:",
        "test_answers.py::test_a_project_is_not_baked_over",
    ),
    by_template(
        FREE_TEXT,
        HOOK,
        """character in '"\\\\{}'""",
        "False",
        "test_answers.py::test_what_is_typed_in_is_taken_as_it_is",
    ),
    by_template(FREE_TEXT, HOOK, "or character in INVISIBLE", "or False", REFUSED),
    by_template(
        YANKED,
        "scripts/lock.py",
        "if found := YANKED.findall(warnings):",
        "if found := []:",
        "test_lock.py::test_a_yanked_release_is_refused_and_no_lock_changes",
    ),
    by_template(
        WEEKLY,
        f"{PROJECT}/.github/dependabot.yml",
        "package-ecosystem: pip\n    directory: /\n    schedule:\n      interval: weekly",
        "package-ecosystem: pip\n    directory: /\n    schedule:\n      interval: monthly",
        "test_files.py::test_dependabot_raises_packages_and_actions_together_once_a_week",
    ),
    by_template(
        BOUNDS,
        f"{PROJECT}/pyproject.toml",
        "waitress>=3,<4",
        "waitress>=3",
        "test_files.py::test_packages_that_are_subclassed_have_an_upper_bound",
        answers=WAITRESS,
    ),
)
