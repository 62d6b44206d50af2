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


# As the kernel numbers them: what each of these functions waits in. The library's own work may sleep otherwise for a moment.
CALLS = {accepts: {43, 288}, polls: {7, 271}, selects: {23, 270}, loops: {232, 281}, waits_for_signals: {128}}


def is_in(pid, calls):
    with open(f"/proc/{pid}/syscall") as file:
        return file.read().split()[0] in map(str, calls)


for does, calls in CALLS.items():
    if (pid := os.fork()) == 0:
        os.write(settled, b"x")
        does()
        os._exit(1)
    os.read(ready, 1)
    while not is_in(pid, calls):
        pass
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
print(len(CALLS))
