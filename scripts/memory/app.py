"""A Flask application of about 200 MB for scripts/bench-memory: packages, a table of numpy's, an in-memory SQLAlchemy database, a dict of strings."""
import itertools
import random

import jinja2
import numpy
import requests
import sqlalchemy
from flask import Flask

PRODUCTS = 250_000
catalogue = {f"product {number}": {"name": f"name {number}", "tags": [f"tag {number % 97}", f"tag {number}"]} for number in range(PRODUCTS)}
names = list(catalogue)
prices = numpy.random.default_rng(1).random((1000, 2000))
template = jinja2.Template("{{ n }} products, {{ total }}\n")

app = Flask(__name__)
counter = itertools.count()


@app.route("/")
def look_up():
    """Looks at one product in five hundred, other ones each time: what a cache, a search or a report does."""
    begin = random.randrange(500)
    found = [catalogue[name]["tags"] for name in names[begin::500]]
    return template.render(n=len(found), total=round(float(prices[next(counter) % 1000].sum())))
