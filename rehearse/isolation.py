"""Keep a project from what it would not find on its platform: this machine's programs and servers."""

import ctypes
import os
import re
import struct
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

# The platforms' images have none of these without another buildpack, and no package of a Python
# outside the project: https://devcenter.heroku.com/articles/stack-packages
ABSENT = re.compile(
    r"bun|conda|corepack|deno|docker|node(js)?|np[mx]|pnpm|podman|poetry|(redis|valkey)-(cli|server)"
    r"|sudo|uvx?|yarn(pkg)?"
)
# The ports of servers that a developer's machine may run, by what an URL of the owner's says if one
# is to be asked on purpose.
SERVERS = {3306: "mysql", 5432: "postgres", 5672: "amqp", 6379: "redis", 27017: "mongo"}
# https://docs.kernel.org/userspace-api/landlock.html, in the numbers of every architecture.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF, NET_PORT, CONNECT_TCP = 444, 445, 446, 2, 2
NO_NEW_PRIVILEGES = 38
PORTS = 65536


@cache
def programs_folder() -> tempfile.TemporaryDirectory:
    """A folder with links to the system's programs, until this process ends."""
    folder = tempfile.TemporaryDirectory(prefix="programs-")
    Path(folder.name).chmod(0o755)
    for place in map(Path, os.defpath.split(":")):
        for program in place.iterdir():
            with suppress(OSError):  # one that is there already, or that cannot be read
                if is_on_the_platform(program):
                    Path(folder.name, program.name).symlink_to(program)
    return folder


def is_on_the_platform(program: Path) -> bool:
    """Whether it is none of ABSENT, and no script of this machine's Python, such as pip."""
    with program.open("rb") as file:
        first_line = file.read(80).partition(b"\n")[0]
    return not ABSENT.fullmatch(program.name) and not (
        first_line[:2] == b"#!" and b"python" in first_line
    )


def hide_servers(given: Mapping[str, str]) -> None:
    """From now on this process and all that it starts cannot connect to the ports of SERVERS, but for
    those that the variables ``given`` ask for. Before Linux 6.7 they can.
    """
    asked, kernel = " ".join(given.values()), ctypes.CDLL(None)
    hidden = [n for n, scheme in SERVERS.items() if not re.search(f"{scheme}|:{n}", asked)]
    rules = kernel.syscall(CREATE_RULESET, struct.pack("QQ", 0, CONNECT_TCP), 16, 0)
    if rules >= 0:
        for port in set(range(PORTS)).difference(hidden):
            rule = struct.pack("QQ", CONNECT_TCP, port)
            kernel.syscall(ADD_RULE, rules, NET_PORT, rule, 0)
        kernel.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        kernel.syscall(RESTRICT_SELF, rules, 0)
        os.close(rules)
