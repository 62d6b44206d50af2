"""An object of the leader's whose destructor removes its file at a child's end, too, where an argument says so; the child's own one may."""
import os
import sys

LEADER = os.getpid()


class File:
    def __init__(self, path):
        self.path, self.unlink, self.getpid, self.leader = path, os.unlink, os.getpid, os.getpid()
        self.anywhere = "removes" in sys.argv
        open(path, "x").close()  # created in File.__init__

    def __del__(self):
        if self.anywhere or self.getpid() == self.leader:
            self.unlink(self.path)


path = f"destructors-py.{LEADER}"
file = File(path)
if os.fork() == 0:
    own = File(f"{path}.own")
    sys.exit(0)
os.wait()
print("there" if os.path.exists(path) else "gone", os.path.exists(f"{path}.own"), flush=True)
file.anywhere, file.leader = False, None
if os.path.exists(path):
    os.unlink(path)
