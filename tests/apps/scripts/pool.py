"""A multiprocessing pool that forks."""

import multiprocessing


def square(number):
    """Something to compute."""
    return number * number


if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(4) as pool:
        print(pool.map(square, range(200)))
        print(sorted(pool.imap_unordered(square, range(50), chunksize=3)))
        pool.close()
        pool.join()
