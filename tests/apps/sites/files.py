# Files that are open for writing at a fork: what waits in two of them is written by a child that ends in order, too.
import os
import sys
import tempfile

os.chdir(tempfile.mkdtemp())


def report(mode):
    return open(os.path.abspath("out." + mode), mode)  # opened in report


files = [report("w"), report("wb")]
files[0].write("total\n")
files[1].write(b"total\n")
flushed = open("flushed", "w")
flushed.write("total\n")
flushed.flush()
if os.fork() == 0:
    files[0].write("child\n")
    flushed.write("child\n")
    os._exit(0) if "_exit" in sys.argv else sys.exit(0)
os.wait()
[file.close() for file in files]
print(" ".join(str(open(file.name, "rb").read().count(b"total")) for file in files + [flushed]))
