"""A thread that exports what requests counted, and is started again in every child, as OpenTelemetry does it."""

import os
from threading import Event, Thread

from when import serving

counted, exported = Event(), Event()


def export():
    while True:
        counted.wait()
        counted.clear()
        exported.set()


def start():
    Thread(target=export, name="exporter", daemon=True).start()  # started


start()
os.register_at_fork(after_in_child=start)


@serving
def app():
    counted.set()
    exported.wait()
