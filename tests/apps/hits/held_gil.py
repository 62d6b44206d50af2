"""uWSGI's master has a thread that stands in a C call with the interpreter's lock held, once it is told to."""

import ctypes
import os
from threading import Thread, get_native_id

from when import serving


def hold():
    """`told` and `released` are named pipes in FIFOS; opening one to read waits for its writer."""
    os.chdir(os.environ["FIFOS"])
    released = os.open("released", os.O_RDWR)
    os.close(os.open("told", os.O_RDONLY))
    with open("holder.new", "w") as holder:
        holder.write(f"{get_native_id()} {released:#x}")
    os.rename("holder.new", "holder")
    # PyDLL, unlike CDLL, keeps the lock.
    ctypes.PyDLL(None).read(released, ctypes.create_string_buffer(1), 1)  # stood


Thread(target=hold, name="holder", daemon=True).start()


@serving
def application():
    pass
