"""What Celery's worker loads by CELERY_LOADER: a task that takes some seconds, and who sends it.

It writes to the file in REHEARSAL_JOURNAL when the task starts and ends; and, in place of that, the
broker, if it is not at one of REHEARSAL_PORTS: then the worker ends before it asks it.
"""

import os
import time
from pathlib import Path

from celery import shared_task
from celery.loaders.app import AppLoader
from celery.signals import worker_ready


def note(word):
    with Path(os.environ["REHEARSAL_JOURNAL"]).open("a") as journal:
        journal.write(f"{word} ")


@shared_task(name="rehearse.wait")
def wait(seconds):
    note("start")
    time.sleep(seconds)
    note("end")


def send(sender, **_):
    """Send the task once, to a queue that this worker reads."""
    if not Path(os.environ["REHEARSAL_JOURNAL"]).exists():
        note("sent")
        queue = next(iter(sender.app.amqp.queues.consume_from))
        seconds = float(os.environ["REHEARSAL_SECONDS"])
        sender.app.send_task("rehearse.wait", [seconds], queue=queue)


class Loader(AppLoader):
    def on_worker_init(self):
        super().on_worker_init()
        brokers = [self.app.connection_for_read(), self.app.connection_for_write()]
        for broker in brokers:
            if str(broker.port) not in os.environ["REHEARSAL_PORTS"].split():
                note(f"broker={broker.as_uri()}")
                raise SystemExit(f"the broker is {broker.as_uri()}")
        worker_ready.connect(send, weak=False)
