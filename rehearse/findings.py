"""What a step found out, and how a whole rehearsal went."""

from dataclasses import dataclass, field

OK, FAILS, NOT_RUN = "ok", "fails", "not run"
# Lines of the project's output that are shown for a failed step.
LAST_LINES = 30


@dataclass(frozen=True)
class Sample:
    """One request: when it was sent, in seconds since its step began; how long it took, in
    milliseconds; and whether it was lost: not answered in full, or with a status of 500 or more.
    """

    at: float
    milliseconds: float
    is_lost: bool = False


@dataclass
class Finding:
    """``text`` is one line. ``figures`` have their units in their names. ``advice`` says which
    setting or change mends a failure. ``output`` is what the project printed last.
    """

    text: str = ""
    status: str = OK
    figures: dict[str, float] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)
    output: str = ""
    # Whether the next steps can run although a needed one failed; or cannot tell anything.
    can_go_on: bool = False
    ends_run: bool = False
    # Set by the run: the step's name, and how long it took.
    step: str = ""
    seconds: float = 0

    def fail(self, text: str, advice: str, output: str = "") -> "Finding":
        """Mark the step as failed; the reasons of several calls are joined in one line."""
        self.text = f"{self.text}; {text}" if self.status == FAILS else text
        self.status = FAILS
        if advice not in self.advice:
            self.advice.append(advice)
        self.output = self.output or last_lines(output)
        return self


def last_lines(output: str, count: int = LAST_LINES) -> str:
    return "\n".join(output.rstrip().splitlines()[-count:])


@dataclass
class Rehearsed:
    """A whole run: what was rehearsed, when and how, and a Finding for each step that applies.

    ``untried`` is what the platform would deploy as well; ``pages`` are the paths that were asked for.
    """

    project: str
    platform: str = ""
    python: str = ""
    commands: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0
    date: str = ""
    options: str = ""
    pages: list[str] = field(default_factory=list)
    untried: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    def facts(self) -> dict[str, str]:
        """All but the findings, in words."""
        known = {"date": self.date, "platform": self.platform, "Python": self.python}
        known |= self.versions | self.commands
        known |= {"options": self.options, "pages": " ".join(self.pages)}
        known["not tried"] = "; ".join(self.untried)
        return {name: text for name, text in known.items() if text}

    @property
    def passed(self) -> int:
        return sum(one.status == OK for one in self.findings)
