"""A thread is cancelled in connect: the C library unwinds it through the library's frames, with an unwinder that is not theirs."""
import ctypes
import os
import socket
import tempfile
import threading
import time

libc = ctypes.CDLL(None)
path = os.path.join(tempfile.mkdtemp(), "full")
queue, first, waiting = (socket.socket(socket.AF_UNIX) for _ in range(3))
queue.bind(path)
queue.listen(0)
first.connect(path)

address = ctypes.create_string_buffer(socket.AF_UNIX.to_bytes(2, "little") + path.encode())
thread = threading.Thread(target=libc.connect, args=(waiting.fileno(), address, len(address)), daemon=True)
thread.start()
with open(f"/proc/self/task/{thread.native_id}/syscall") as state:
    while not state.read().startswith("42 "):
        time.sleep(0.01)
        state.seek(0)
assert libc.pthread_cancel(ctypes.c_ulong(thread.ident)) == 0
while os.path.exists(f"/proc/self/task/{thread.native_id}"):
    time.sleep(0.01)
print("cancelled", flush=True)
# The interpreter still counts the thread.
os._exit(0)
