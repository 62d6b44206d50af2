"""Functions that the interpreter runs at its end, in a child, too: one removes the leader's file there."""
import atexit
import os
import sys
import tempfile
import time


class Service:
    def stop(self):  # stopped in Service.stop
        pass


def remove(path):  # removed in remove
    os.remove(path) if "removes" in sys.argv else None


def unregistered():
    pass


def main():
    path = os.path.join(tempfile.mkdtemp(), "file")
    open(path, "w").close()
    time.sleep(0.3)  # the clock of file systems is behind by a tick
    atexit.register(remove, path=path)
    atexit.register(unregistered)
    atexit.register(Service().stop)
    atexit.unregister(unregistered)
    child = os.fork()
    if child == 0:
        own = path + ".own"
        open(own, "w").close()
        os.remove(own)
        sys.exit(0)
    os.waitpid(child, 0)
    os._exit(0)


main()
