"""A leader with a thread or without, whose child tells how many objects are frozen there; garbage with a finalizer, callbacks and weak references."""
import gc
import os
import sys
import threading
import time
import weakref

data = [[number] for number in range(20000)]
begun = gc.get_freeze_count()
if "thread" in sys.argv:
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
if "own" in sys.argv:
    gc.freeze()
if "disabled" in sys.argv:
    gc.disable()


class Node:
    pass


def finalize(name):
    print("finalized", name, flush=True)


kept, lost = Node(), Node()
kept.itself, lost.itself = kept, lost
weakref.finalize(lost, finalize, "garbage")
still = weakref.ref(kept)
del lost
gc.callbacks.append(lambda phase, info: print("gc", phase, info["generation"], flush=True))
os.system("true")
os.spawnv(os.P_WAIT, "/bin/true", ["true"])
print("no worker yet", gc.get_freeze_count() - begun > 10000, flush=True)
for _ in range(2):
    child = os.fork()
    if child == 0:
        print("frozen", gc.get_freeze_count() - begun > 10000, "kept", still() is kept, flush=True)
        time.sleep(0.05)
        os._exit(0)
    os.waitpid(child, 0)
os._exit(0)
