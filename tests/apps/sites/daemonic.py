"""A daemonic process of multiprocessing's that the interpreter ends in a child of os.fork, too."""
import multiprocessing
import os
import sys
import time

if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    helper = multiprocessing.Process(target=time.sleep, args=(1000,), daemon=True)
    helper.start()  # created in <module>
    if (child := os.fork()) == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # it complains that it cannot wait for what it ended
        os._exit(0) if "at once" in sys.argv else sys.exit()
    os.waitpid(child, 0)
    helper.join(None if "ends" in sys.argv else 0)
    print(helper.exitcode, flush=True)
    helper.kill()
    os._exit(0)
