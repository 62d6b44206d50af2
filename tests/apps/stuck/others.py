"""Children that are sent signals by which processes end. Prints the one that is stuck."""

import os
import signal
import subprocess
import sys
import time

ready, settled = os.pipe()


def child(does):
    pid = os.fork()
    if pid == 0:
        does()
        os._exit(1)
    os.read(ready, 1)
    return pid


def stuck():
    os.write(settled, b"x")
    time.sleep(1000)  # stuck


def catches():
    signal.signal(signal.SIGQUIT, lambda number, frame: os._exit(0))
    os.write(settled, b"x")
    while True:  # a signal that comes right before a longer wait would end none
        time.sleep(0.01)


def parent():
    grandchild = os.fork()
    if grandchild == 0:
        os.write(settled, b"%d" % os.getpid())
        time.sleep(1000)
    os.waitpid(grandchild, 0)
    os._exit(0)


def ends(pid, number):
    os.kill(pid, number)
    os.waitpid(pid, 0)


asked = child(catches)
ends(asked, signal.SIGQUIT)

program = subprocess.Popen(["sleep", "1000"])
program.kill()
program.wait()

over = os.fork()
if over == 0:
    os._exit(0)
os.waitid(os.P_PID, over, os.WEXITED | os.WNOWAIT)
ends(over, signal.SIGKILL)

between = os.fork()
if between == 0:
    parent()
os.kill(int(os.read(ready, 20)), signal.SIGKILL)
os.waitpid(between, 0)

hangs = child(stuck)
# clock_nanosleep, which Python 3.11 sleeps in, or select. The library's own work may sleep in nanosleep for a moment.
while open(f"/proc/{hangs}/syscall").read().split()[0] not in ("230", "23", "270"):
    time.sleep(0.001)
signal.pidfd_send_signal(os.pidfd_open(hangs), signal.SIGABRT)
ends(hangs, signal.SIGKILL)
print(hangs)
