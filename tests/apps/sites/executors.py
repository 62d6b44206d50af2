"""Two executors are made before a fork, one of them has a thread there. The child uses the other one ("another"), or makes the lost one anew."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

named, what = sys.argv[1] == "named", sys.argv[2]


def executor(name):
    return ThreadPoolExecutor(1, thread_name_prefix=name) if named else ThreadPoolExecutor(1)


if named:
    lost, another = executor("io"), executor("cpu")
else:
    another, lost = executor("cpu"), executor("io")
lost.submit(int).result()
if os.fork() == 0:
    used = another if what == "another" else executor("io")
    used.submit(int).result()
    os._exit(0)
os.wait()
