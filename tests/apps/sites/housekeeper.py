"""A library's thread at a fork: of its own, or one that this program asked for."""
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "site-packages"))
import housekeeper


def asks():
    housekeeper.start()
    threading.Event().wait()


if sys.argv[1] == "asked":
    housekeeper.start()
elif sys.argv[1] == "helped":
    housekeeper.start(housekeeper.work_with_help)
elif sys.argv[1] == "thread":
    threading.Thread(target=asks, daemon=True).start()
threads = 2 if sys.argv[1] in ("helped", "thread") else 1


def waiting():
    """Its other threads that wait: for a lock of their queue, or for an event."""
    frames = sys._current_frames()
    del frames[threading.get_ident()]
    return sum(frame.f_code.co_name == "wait" for frame in frames.values())


while waiting() != threads:
    time.sleep(0.001)
if (child := os.fork()) == 0:
    time.sleep(0.01)
    os._exit(0)
os.waitpid(child, 0)
