"""joblib's two kinds of process pools."""

import os

from joblib import Parallel, delayed


def square(number):
    """Something to compute."""
    return number * number


if __name__ == "__main__":
    os.environ["JOBLIB_START_METHOD"] = "fork"
    for backend in ("loky", "multiprocessing"):
        answers = Parallel(n_jobs=2, backend=backend)(delayed(square)(number) for number in range(30))
        assert answers == [number * number for number in range(30)]
