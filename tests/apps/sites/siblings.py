"""A child that waits for a program which its leader started, or only asks for it, or closes what it has of it."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "site-packages"))
import patience

how = sys.argv[1]


def start():
    return subprocess.Popen(["sh", "-c", "read line; exit 3"], stdin=subprocess.PIPE)  # started in start


def wait():
    return program.wait()  # waits in wait


program = start()
output = os.popen("read line; exit 3", "w")
if os.fork() == 0:
    program.stdin.close()
    if how == "waits":
        print(wait(), flush=True)
    if how == "asks":
        print(program.poll(), flush=True)
    if how == "has a package wait":
        patience.wait(program.pid)
    if how == "leaves its block":
        with program:
            pass
    if how == "closes":
        output.close()
    if how == "drops":
        del program
    if how == "waits for its own":
        print(subprocess.run(["true"]).returncode, flush=True)
    os._exit(0)
os.wait()
program.communicate(b"go\n")
output.close()
print(program.returncode)
