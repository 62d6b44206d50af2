"""A child reads where it set the position of a file, but its leader has moved it meanwhile."""
import os


def read_there(data, told, moved):
    data.seek(4)
    os.write(told, b"x")
    os.read(moved, 1)
    assert data.read(4) == b"abcd"  # used in read_there


def main():
    with open("data", "wb") as new:
        new.write(b"0123456789abcdef")
    data = open("data", "rb", buffering=0)  # opened in main
    (asked, told), (moved, done) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        read_there(data, told, moved)
        os._exit(0)
    os.read(asked, 1)
    data.seek(10)
    os.write(done, b"x")
    os.waitpid(child, 0)


main()
