"""The most that a web process takes: memory, disk and connections."""

import os
import stat
import threading
from contextlib import suppress
from pathlib import Path

import psutil

from rehearse.web import Web


class Peak:
    """What the site's processes take, sampled while this is entered.

    ``before`` is the first sample, ``most`` the highest value of each: ``memory`` in MB (10**6
    bytes); with ``folders``, those of their files, ``disk`` in MB, with
    deleted files that are still open; with ``ports`` of services, the connections to each, by its
    name.
    """

    def __init__(self, site: Web, *folders: Path, **ports: int):
        self.site, self.folders, self.ports = site, folders, ports
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.before = self.look()
        self.most = self.before

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exception):
        self.over.set()
        self.thread.join()

    def watch(self) -> None:
        while not self.over.wait(0.5 if self.ports else 0.05):
            # A process may end, or a file be deleted, meanwhile.
            with suppress(psutil.Error, FileNotFoundError):
                found = self.look()
                self.most = {name: max(found[name], self.most[name]) for name in found}

    def more(self, *names: str) -> float:
        """How much more at the peak than before, of all these together."""
        return sum(self.most[name] - self.before[name] for name in names)

    def look(self) -> dict[str, float]:
        found = {"memory": self.site.process.memory()}
        if self.folders:
            found["disk"] = self.disk()
        for name, port in self.ports.items():
            found[name] = self.site.process.connections_to(port)
        return found

    def disk(self) -> float:
        files = [path.stat() for one in self.folders for path in one.rglob("*") if path.is_file()]
        # By inode: several processes may have the same one open.
        sizes = {file.st_ino: file.st_size for file in [*files, *self.files_without_name()]}
        return sum(sizes.values()) / 1e6

    def files_without_name(self) -> list[os.stat_result]:
        """Files that a process has open and that are in no folder, as most temporary files."""
        found = []
        for process in self.site.process.everyone():
            for link in Path(f"/proc/{process.pid}/fd").iterdir():
                try:
                    found.append(link.stat())
                except FileNotFoundError:  # closed meanwhile
                    continue
        return [one for one in found if stat.S_ISREG(one.st_mode) and one.st_nlink == 0]
