"""Django's own ASGI handler, to compare the project's with."""

from django.core.asgi import get_asgi_application

application = get_asgi_application()
