"""A prefork server of the application's own: its workers live by the handlers that they inherit."""

import os
import signal
import sys
import time

stopping = []
signal.signal(signal.SIGTERM, lambda number, frame: stopping.append(number))
signal.signal(signal.SIGALRM, lambda number, frame: None)
signal.signal(signal.SIGUSR1, lambda number, frame: None)


def work(ready):
    signal.sigtimedwait([], 1)
    os.write(ready, b"r")
    while not stopping:
        time.sleep(1)
    print("finished its work", flush=True)
    sys.exit(7)


readable, writable = os.pipe()
worker = os.fork()
if worker == 0:
    work(writable)
os.read(readable, 1)
with open(f"/proc/{worker}/status") as status:
    print(*(line.split()[1] for line in status if line.startswith("SigCgt")), flush=True)
os.kill(worker, signal.SIGTERM)
print("ended by", os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]), flush=True)
