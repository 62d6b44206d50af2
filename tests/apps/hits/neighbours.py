"""Asks a k-d tree for the nearest of its points, in an OpenMP region of the libgomp that pykdtree's wheel brings along: once to warm up,
which makes a pool of threads, and in each request."""

import numpy
from pykdtree.kdtree import KDTree
from when import made, serving

tree = KDTree(numpy.arange(3000, dtype=float).reshape(1000, 3))


@made
def warm_up():
    tree.query(tree.data.reshape(-1, 3))


@serving
def app():
    distances, nearest = tree.query(numpy.full((100, 3), 31.0))
    assert set(nearest) == {10} and distances.min() > 0
