"""The channel layer: a message from one process has to reach another."""

import re
import shlex
from pathlib import Path

from rehearse import buildpack
from rehearse.findings import Finding
from rehearse.processes import Process, wait_for
from rehearse.stage import Stage

SCRIPT = Path(__file__).parent.parent / "inside/channel_layer.py"
# Until a process has started; and from when a message is sent until it is there.
SECONDS, MESSAGE_SECONDS = 30, 5
ADVICE = (
    "Use channels_redis in CHANNEL_LAYERS: channels.layers.InMemoryChannelLayer ends at the process,"
    " and each deployment runs two."
)


def has_channels(stage: Stage) -> bool:
    return stage.has("channels") and bool(buildpack.manage_file(stage.platform.folder))


def send_between_processes(stage: Stage) -> Finding:
    """One process of the project's Python joins a group, another sends to it."""
    with run_script(stage, "receive") as receiver:
        if not prints(receiver, "ready|no layer"):
            return Finding().fail("it cannot be used", ADVICE, receiver.output())
        if "no layer" in receiver.output():
            return Finding("the project configures none")
        with run_script(stage, "send") as sender:
            prints(sender, "sent")
            prints(receiver, "received", MESSAGE_SECONDS)
        if "received" in receiver.output():
            return Finding("a message of one process reaches another")
        output = receiver.output() + sender.output()
    return Finding().fail("a message of one process does not reach another", ADVICE, output)


def run_script(stage: Stage, role: str) -> Process:
    manage = buildpack.manage_file(stage.platform.folder)
    command = f"python {manage} shell -c {shlex.quote(SCRIPT.read_text())}"
    environment = stage.environment | {"REHEARSAL_ROLE": role}
    return Process(command, stage.platform.folder, environment, grace=1)


def prints(process: Process, pattern: str, seconds: float = SECONDS) -> bool:
    """Whether the process prints the pattern before it ends, or so many seconds have passed."""

    def is_there() -> bool:
        return bool(re.search(pattern, process.output()))

    wait_for(lambda: not process.is_running() or is_there(), seconds)
    return is_there()
