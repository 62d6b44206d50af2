"""Django with psycopg's pool, used at import and closed before the workers are forked; each worker opens its own."""

import os

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection
from django.http import HttpResponse
from django.urls import path

host, port = os.environ["DATABASE"].split(":")
settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "demo",
            "HOST": host,
            "PORT": port,
            "OPTIONS": {"pool": {"min_size": 1, "max_size": 2}},
        }
    },
)
django.setup()


def index(request):
    """One query a request."""
    with connection.cursor() as cursor:
        cursor.execute("select %s", [os.getpid()])
        return HttpResponse("worker %d\n" % cursor.fetchone()[0])


urlpatterns = [path("", index)]
app = get_wsgi_application()

with connection.cursor() as cursor:
    cursor.execute("select 1")
close_old_connections()
connection.close()
connection.close_pool()
