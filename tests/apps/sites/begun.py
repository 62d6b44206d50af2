"""Two threads are lost that cannot begin anew: one runs an event loop, one imports a module, for which the child waits."""

import asyncio
import os
import signal
import sys
import threading
import time

SLOW = """import begun
begun.stands.set()
begun.goes_on.wait()
"""
stands, goes_on = threading.Event(), threading.Event()


def sleeps_in_futex(process):
    with open(f"/proc/{process}/syscall") as call, open(f"/proc/{process}/stat") as stat:
        return call.read().startswith("202 ") and stat.read().rpartition(")")[2].split()[0] == "S"


def until_blocked(process):
    seen = 0
    while seen < 20:
        seen = seen + 1 if sleeps_in_futex(process) else 0
        time.sleep(0.01)


def main():
    with open("slow.py", "w") as module:
        module.write(SLOW)
    sys.path.insert(0, os.getcwd())
    sys.modules["begun"] = sys.modules["__main__"]
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="loop", daemon=True).start()
    threading.Thread(target=__import__, args=("slow",), name="import", daemon=True).start()
    stands.wait()
    child = os.fork()
    if child == 0:
        import slow  # waits in main
        os._exit(1)
    until_blocked(child)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os._exit(0)


main()
