"""A prefork program whose thread logs to a file, as its worker does. The lock of the file's buffer is neither logging's nor the program's. Right:
the child logs to a file that it opens itself."""

import logging
import os
import signal
import sys
import tempfile
import time
from threading import Thread

directory = tempfile.mkdtemp()
handler = logging.FileHandler(os.path.join(directory, "leader.log"))
log = logging.getLogger("shop")
log.addHandler(handler)
log.setLevel(logging.INFO)


def log_prices():
    while True:
        time.sleep(0.2)
        log.info("prices are refreshed")  # thread


def log_anew():
    log.removeHandler(handler)
    log.addHandler(logging.FileHandler(os.path.join(directory, "worker.log")))


if len(sys.argv) > 1:
    os.register_at_fork(after_in_child=log_anew)

Thread(target=log_prices, name="log-prices", daemon=True).start()
worker = os.fork()
if worker == 0:
    log.info("worker is up")  # worker
    while True:
        signal.pause()
os.waitpid(worker, 0)
