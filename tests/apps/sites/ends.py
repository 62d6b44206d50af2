"""A function that the interpreter runs at its end, in a child, too: it ends the leader's helper there where an argument says so."""
import atexit
import os
import signal
import sys
import time


def start():
    child = os.fork()  # created in start
    while child == 0:
        time.sleep(1000)
    return child


def end():  # removed in end
    if os.getpid() == leader or "ends" in sys.argv:
        os.kill(helper, signal.SIGTERM)


leader, helper = os.getpid(), start()
atexit.register(end)
if (child := os.fork()) == 0:
    sys.exit()
os.waitpid(child, 0)
