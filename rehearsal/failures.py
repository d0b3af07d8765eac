"""Commands of a project that have to fail: what they print."""

import re

import pytest

from rehearsal.deployment import Deployment
from rehearsal.processes import CommandFailed
from rehearsal.services import free_port


def output_of_failed(process: str, deployment: Deployment, environment: dict[str, str]) -> str:
    """Run ``release``, which must end before it migrates, or ``web``, which must not serve."""
    # After two minutes it serves.
    command = f"timeout 120 {deployment.platform.command(process)}"
    port = {"PORT": str(free_port())} if process == "web" else {}
    with pytest.raises(CommandFailed) as failure:
        deployment.run(command, environment | port)
    printed = str(failure.value)
    # By the status 3 Gunicorn knows not to try again.
    assert process == "release" or "exited with 3:" in printed, printed
    assert not re.search("Traceback|migrations:", printed), printed
    return printed


def errors(printed: str) -> list[str]:
    """The sentences of the deploy checks in what a release printed."""
    return re.findall(r"^\?: (?:\(.+?\) )?(.+)$", printed, re.MULTILINE)
