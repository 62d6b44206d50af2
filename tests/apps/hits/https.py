"""Asks a TLS server in each request, in one session."""

import os

import requests

from when import made, serving

URL = os.environ["UPSTREAM"]


@made
def connect():
    global session
    session = requests.Session()
    session.trust_env = False
    session.verify = os.environ["CERTIFICATE"]
    session.get(URL)  # opened


@serving
def app():
    assert session.get(URL).text == "answer"  # used
