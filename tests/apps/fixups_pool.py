"""A pool of processes, and children of children: each tells what ran in it."""

import multiprocessing
import os

import forkguard

ran = []


@forkguard.register(name="forks")
def forks():
    """Its child goes on inside it."""
    child = os.fork()
    ran.append("forks in " + ("the child" if child else "its child"))
    if child:
        os.waitpid(child, 0)


@forkguard.register(name="counts")
def counts():
    """Behind it, in both."""
    ran.append("counts")
    if ran[0] == "forks in its child":
        print(*ran, sep=", ", flush=True)
        os._exit(0)


def tell(_):
    """What ran in the worker, and nothing after that in a child that it forks by the way of C."""
    return tuple(ran)


if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(1) as pool:
        print(*pool.map(tell, [0])[0], sep=", ")
