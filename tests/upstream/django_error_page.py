"""Django: under ASGI the database connection of an error page is never closed."""

import asyncio
import tempfile

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.db import connection
from django.db.backends.signals import connection_created
from django.http import HttpResponse
from django.urls import path
from running import send_request

connections = []


def query(status):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse(status=status)


def page(request):
    return query(200)


def handler404(request, exception):
    return query(404)


def remember(connection, **_):
    connections.append(connection)


urlpatterns = [path("", page)]


async def open_connections(path: str) -> int:
    """Return how many connections 10 concurrent requests leave open."""
    connections.clear()
    application = get_asgi_application()
    clients = [await send_request(application, path=path) for _ in range(10)]
    for client in clients:
        await client.wait()
    return sum(one.connection is not None for one in connections)


if __name__ == "__main__":
    with tempfile.NamedTemporaryFile() as file:
        database = {"ENGINE": "django.db.backends.sqlite3", "NAME": file.name, "CONN_MAX_AGE": 0}
        settings.configure(
            ROOT_URLCONF=__name__,
            SECRET_KEY="secret",
            ALLOWED_HOSTS=["*"],
            DATABASES={"default": database},
            LOGGING_CONFIG=None,
        )
        django.setup()
        connection_created.connect(remember)
        pages, errors = (asyncio.run(open_connections(path)) for path in ("/", "/missing"))
        print(f"open connections after 10 pages: {pages}; after 10 error pages: {errors}")
        assert errors == pages, "response_for_exception() runs in threads that close no connection"
