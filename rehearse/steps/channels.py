"""The channel layer: a message from one process has to reach another."""

import re
import shlex
import time
from pathlib import Path

from rehearse import buildpack
from rehearse.findings import Finding, failed
from rehearse.processes import Process
from rehearse.stage import Stage

SCRIPT = Path(__file__).parent.parent / "inside/channel_layer.py"
SECONDS = 30
ADVICE = (
    "Use channels_redis in CHANNEL_LAYERS: channels.layers.InMemoryChannelLayer ends at the process,"
    " and each deployment runs two."
)


def has_channels(stage: Stage) -> bool:
    return stage.has("channels") and bool(buildpack.manage_file(stage.platform.folder))


def send_between_processes(stage: Stage) -> Finding:
    """One process of the project's Python joins a group, another sends to it."""
    with run_script(stage, "receive") as receiver:
        if not wait_for(receiver, "ready|no layer"):
            return failed("it cannot be used", ADVICE, receiver.output())
        if "no layer" in receiver.output():
            return Finding("the project configures none")
        with run_script(stage, "send") as sender:
            wait_for(sender, "sent")
            wait_for(receiver, "received|nothing")
        if "received" in receiver.output():
            return Finding("a message of one process reaches another")
        output = receiver.output() + sender.output()
    return failed("a message of one process does not reach another", ADVICE, output)


def run_script(stage: Stage, role: str) -> Process:
    manage = buildpack.manage_file(stage.platform.folder)
    command = f"python {manage} shell -c {shlex.quote(SCRIPT.read_text())}"
    environment = stage.environment | {"REHEARSAL_ROLE": role}
    return Process(command, stage.platform.folder, environment, grace=1)


def wait_for(process: Process, pattern: str) -> bool:
    """Whether the process prints the pattern before it ends, or SECONDS have passed."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        is_over = not process.is_running()
        if re.search(pattern, process.output()):
            return True
        if is_over:
            return False
        time.sleep(0.05)
    return False
