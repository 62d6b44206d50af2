"""A worker that copies its leader's pages by reference counts, a few at a time."""
import os
import time

table = {f"key {number}": f"value {number} " * 20 for number in range(300000)}


def look_up(values):
    held = []
    for value in values:
        held.append(value)  # copies
        if len(held) % 100 == 0:
            held.clear()
            time.sleep(0.01)


child = os.fork()
if child == 0:
    while True:
        look_up(table.values())
print(child, flush=True)
os.waitpid(child, 0)
