"""Many short subprocesses, most of them by vfork, from several threads."""

import concurrent.futures
import os
import subprocess
import sys


def shout(number):
    """One program in a pipe, one through the shell, one that is not there."""
    upper = subprocess.run(["tr", "a-z", "A-Z"], input=f"child {number}", capture_output=True, text=True, check=True).stdout
    status = subprocess.call(f"exit {number}", shell=True, preexec_fn=os.getpid if number % 10 == 0 else None)
    try:
        subprocess.run(["no such program"])
    except FileNotFoundError as error:
        return upper, status, error.errno
    return None


with concurrent.futures.ThreadPoolExecutor(4) as threads:
    for answer in threads.map(shout, range(40)):
        print(*answer)
sys.stdout.flush()
print(os.system("exit 3"), os.popen("echo popen").read().strip())
pid = os.posix_spawn("/bin/true", ["true"], os.environ)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
