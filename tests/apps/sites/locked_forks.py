"""A thread takes and gives a lock all the time; prints how many of ten children have it locked."""

import os
import threading
import time

lock, stop = threading.Lock(), False


def work():
    while not stop:
        with lock:
            # Needs the GIL to come back from.
            time.sleep(0.001)


def forked():
    child = os.fork()
    if child == 0:
        os._exit(lock.locked())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


worker = threading.Thread(target=work)
worker.start()
print(sum(forked() for _ in range(10)))
stop = True
worker.join()
