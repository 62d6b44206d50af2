"""Waits for a byte in the FIFO "go" by epoll_wait itself, which Python would call again after EINTR."""

import ctypes
import os
import select

os.mkfifo("go")
epoll = select.epoll()
epoll.register(os.open("go", os.O_RDWR), select.EPOLLIN)
print(ctypes.CDLL(None).epoll_wait(epoll.fileno(), ctypes.create_string_buffer(64), 1, -1))
