"""What waits in sys.stdout at a fork: the child writes its copy at its end."""
import os
import sys


def main():
    sys.stdout = open(1, "w", closefd=False)
    print("started")
    child = os.fork()  # fork in main
    if child == 0:
        sys.exit(0) if "_exit" not in sys.argv else os._exit(0)
    os.waitpid(child, 0)


main()
