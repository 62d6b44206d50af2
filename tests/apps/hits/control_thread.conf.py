"""For gunicorn 25: the reader of the log falls behind when the control thread logs its first line, and the first worker is forked while
that thread waits in its write, with the lock of sys.stderr's buffer held."""

import logging
import os
import select
import time


def fall_behind(record):
    """Fills the pipe of standard error before the control thread writes to it."""
    if record.msg.startswith("Control socket"):
        os.set_blocking(2, False)
        for size in 4096, 1:
            try:
                while True:
                    os.write(2, b"\n" * size)
            except BlockingIOError:
                pass
        os.set_blocking(2, True)
    return True


logging.getLogger("gunicorn.error").addFilter(fall_behind)
# The reader has caught up when the worker logs.
os.register_at_fork(after_in_child=lambda: select.select([], [2], []))


def pre_fork(server, worker):
    """Waits for the control thread to stand in write(2, ...)."""
    control = server._control_server._thread.native_id
    while worker.age == 1 and not open(f"/proc/self/task/{control}/syscall").read().startswith("1 0x2 "):
        time.sleep(0.001)
