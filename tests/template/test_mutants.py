"""The table of ``make mutants`` fits the source: else its weekly run would be the first to say so."""

import re

import pytest

from rehearsal.combinations import COMBINATIONS, TEMPLATE, name_of
from scripts.mutants.row import PROJECT, Mutant
from scripts.mutants.table import TABLE, WITHOUT_MUTANT


def protections() -> set[str]:
    """The first cells of the tables in docs/protections.md."""
    text = (TEMPLATE / "docs/protections.md").read_text()
    tables = re.findall(r"^\|---.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    return {
        line.split(" | ")[0].removeprefix("| ") for table in tables for line in table.splitlines()
    }


def test_every_protection_has_a_mutant_or_a_reason_for_none():
    assert protections() == {mutant.protection for mutant in TABLE} | WITHOUT_MUTANT.keys()
    assert len(TABLE) >= 80


@pytest.mark.parametrize("mutant", TABLE, ids=str)
def test_a_mutant_fits_the_source(mutant: Mutant):
    assert (TEMPLATE / mutant.file).read_text().count(mutant.old) == 1
    assert mutant.answers in map(name_of, COMBINATIONS)
    folder = TEMPLATE / PROJECT if mutant.level == "project" else TEMPLATE
    for test in mutant.tests:
        path, _, name = test.partition("::")
        assert f"def {name}(" in (folder / path).read_text(), test
