"""Users of locust in two worker processes that it forks itself."""

import os

from locust import HttpUser, constant, task


class Visitor(HttpUser):
    """Asks for one page."""

    host = os.environ["COLLECTOR"]
    wait_time = constant(0.05)

    @task
    def ask(self):
        """One request."""
        self.client.get("/")
