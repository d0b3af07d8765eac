"""The output of commands that have to fail."""

import re

import pytest

from rehearse.processes import CommandFailed
from rehearse.services import free_port
from tests.harness.deployment import Deployment


def output_of_failed(process: str, deployment: Deployment, environment: dict[str, str]) -> str:
    """Run ``release``, which must fail before it migrates, or ``web`` or ``worker``, which must end."""
    # 124 is the status of a process that still runs after two minutes.
    command = f"timeout 120 {deployment.platform.commands()[process]}"
    port = {"PORT": str(free_port())} if process == "web" else {}
    with pytest.raises(CommandFailed) as failure:
        deployment.run(command, environment | port)
    printed = str(failure.value)
    # 3 is Gunicorn's WORKER_BOOT_ERROR: its arbiter exits instead of starting new workers.
    assert process == "release" or "exited with 3:" in printed, printed
    assert "exited with 124:" not in printed, printed
    assert not re.search("Traceback|migrations:", printed), printed
    return printed


def errors(printed: str) -> list[str]:
    """The sentences of the deploy checks in what a release printed."""
    return re.findall(r"^\?: (?:\(.+?\) )?(.+)$", printed, re.MULTILINE)
