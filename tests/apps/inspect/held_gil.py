"""A C function that keeps the GIL while a thread of its own forks."""

import ctypes
import sys

ctypes.PyDLL(sys.argv[1]).keep()
