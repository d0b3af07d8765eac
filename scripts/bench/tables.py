"""Tables of figures, in Markdown."""

Row = dict[str, str | float]


def table(rows: list[Row]) -> str:
    """A Markdown table of rows with the same columns; the first column names the row."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [names, ["---", *["--:"] * (len(names) - 1)]]
    lines += [[shown(row.get(name, "")) for name in names] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def shown(figure: str | float) -> str:
    if isinstance(figure, str):
        return figure
    return f"{figure:,.2f}" if figure < 10 else f"{figure:,.0f}"
