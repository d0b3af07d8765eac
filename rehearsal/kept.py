"""What a site keeps of requests and responses, in memory and on disk."""

import os
import stat
import threading
from pathlib import Path

from rehearsal.site import Site


class Kept:
    """The peak of memory and of disk, in bytes, above what the process used at the start."""

    def __init__(self, site: Site, folder: Path):
        self.site, self.folder, self.over = site, folder, threading.Event()
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
        while not self.over.wait(0.02):
            self.most = tuple(map(max, self.most, self.look()))

    def look(self) -> tuple[float, ...]:
        memory = sum(process.memory_info().rss for process in self.site.process.everyone())
        files = [path.stat() for path in self.folder.rglob("*") if path.is_file()]
        return memory, sum(file.st_size for file in [*files, *self.deleted_files()])

    def deleted_files(self) -> list[os.stat_result]:
        """Files that a process has open, and that have no name: a temporary file has none."""
        found = []
        for process in self.site.process.everyone():
            for link in Path(f"/proc/{process.pid}/fd").iterdir():
                try:
                    found.append(link.stat())
                except FileNotFoundError:  # closed meanwhile
                    continue
        return [one for one in found if stat.S_ISREG(one.st_mode) and one.st_nlink == 0]

    def more(self) -> tuple[float, float]:
        memory, disk = (now - before for now, before in zip(self.most, self.before, strict=True))
        return memory, disk
