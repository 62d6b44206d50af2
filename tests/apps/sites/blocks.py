"""A child leaves a with block that its leader is inside of: what its end removes is the leader's, too."""
import contextlib
import os
import sys
import tempfile


@contextlib.contextmanager
def directory():
    path = tempfile.mkdtemp()
    try:
        yield path
    finally:
        os.rmdir(path)


def leave(path, way):
    with tempfile.TemporaryDirectory() as own:
        open(os.path.join(own, "file"), "w").close()
        if way == "consumes":
            # What the leader made for it.
            os.rmdir(path)
            os._exit(0)
        if way == "stays":
            os._exit(0)
    sys.exit(0)


def main(way):
    manager = directory if "generator" in sys.argv else tempfile.TemporaryDirectory
    with manager() as path:  # created in main
        child = os.fork()
        if child == 0:
            leave(path, way)
        os.waitpid(child, 0)
        print("there" if os.path.exists(path) else "gone", flush=True)
        os._exit(0)


main(sys.argv[1])
