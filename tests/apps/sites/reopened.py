# Files that one line opens, the one after the other, at forks.
import gc
import os
import sys


class Large:
    __slots__ = [f"slot{number}" for number in range(17)]


def fork():
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


# The memory of the first file is unmapped with all that lies around it, when the same line opens the second one.
for rounds in range(6):
    before = [Large() for _ in range(200000 if rounds % 2 == 0 else 0)]
    file = open(sys.argv[1], "a")
    behind = [Large() for _ in range(50000 if rounds % 2 == 0 else 0)]
    file.write("x")
    fork()
    file.close()
    del file, before, behind
    gc.collect()
print("ended")
