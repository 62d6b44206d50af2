"""A forked child whose two threads take the interpreter's lock in turn, beside a lost thread."""

import os
import threading
import time

TURNS = 20


def sleep_often(turns):
    """Gives the interpreter's lock back and takes it again."""
    for _ in range(turns):
        sum(range(20000))
        time.sleep(0)


threading.Thread(target=threading.Event().wait, daemon=True).start()
child = os.fork()
if child == 0:
    other = threading.Thread(target=sleep_often, args=(TURNS,))
    other.start()
    sleep_often(TURNS)
    other.join()
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
