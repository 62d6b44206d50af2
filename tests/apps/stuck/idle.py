"""Children that wait for work when their leader ends them. Prints their number."""

import os
import select
import signal
import socket

listener = socket.create_server(("127.0.0.1", 0))
channel, workers = socket.socketpair()
ready, settled = os.pipe()


def accepts():
    listener.accept()


def polls():
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    poll.poll()


def selects():
    select.select([workers], [], [], 1000)


def loops():
    epoll = select.epoll()
    epoll.register(listener, select.EPOLLIN)
    epoll.poll()


def waits_for_signals():
    signal.sigwait([signal.SIGUSR1])


def is_asleep(pid):
    with open(f"/proc/{pid}/syscall") as file:
        return file.read() != "running\n" and open(f"/proc/{pid}/stat").read().rsplit(")")[1].split()[0] == "S"


idle = [accepts, polls, selects, loops, waits_for_signals]
for does in idle:
    if (pid := os.fork()) == 0:
        os.write(settled, b"x")
        does()
        os._exit(1)
    os.read(ready, 1)
    while not is_asleep(pid):
        pass
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
print(len(idle))
