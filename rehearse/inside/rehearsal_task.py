"""A task that takes some seconds, and writes down when it starts and ends."""

import os
import time
from pathlib import Path

from celery import shared_task


def note(word):
    with Path(os.environ["REHEARSAL_JOURNAL"]).open("a") as journal:
        journal.write(f"{word} ")


@shared_task(name="rehearse.wait")
def wait(seconds):
    note("start")
    time.sleep(seconds)
    note("end")
