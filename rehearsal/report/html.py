"""One page: the steps, a chart of response times for each that has visitors, and what mends."""


def render(rehearsed) -> str:
    return "todo"
