"""Every combination without examples starts as those with them do."""

from tests.combinations.test_combination import *
from tests.harness.combinations import WITHOUT_EXAMPLES, for_combinations

pytestmark = for_combinations(WITHOUT_EXAMPLES)
