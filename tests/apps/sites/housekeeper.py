"""A library's thread at a fork: of its own, or one that this program asked for."""
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "site-packages"))
import housekeeper

if sys.argv[1] == "asked":
    housekeeper.start()
# The thread waits: of its queue's lock, or of its event.
own = threading.get_ident()
while not any(frame.f_code.co_name == "wait" for thread, frame in sys._current_frames().items() if thread != own):
    time.sleep(0.001)
if (child := os.fork()) == 0:
    time.sleep(0.01)
    os._exit(0)
os.waitpid(child, 0)
