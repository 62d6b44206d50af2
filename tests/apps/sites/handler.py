# A signal handler that is fork() itself, run while the thread is in the interpreter: nothing of the interpreter's may be called there.
import atexit
import ctypes
import os
import signal
import time

atexit.register(lambda: None)
library = ctypes.PyDLL(None)
library.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
library.signal(signal.SIGUSR1, ctypes.cast(library.fork, ctypes.c_void_p))
leader = os.getpid()
getattr(library, "raise")(signal.SIGUSR1)
if os.getpid() != leader:
    time.sleep(1.2)
    os._exit(0)
os.wait()
print("ended", flush=True)
os._exit(0)
