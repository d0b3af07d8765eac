"""What the owner of a project has made of it: a blog, a chat, a webhook, and changes to our files."""

from tests.harness.checkouts import Checkout

FILES = {
    "blog/__init__.py": "",
    "blog/migrations/__init__.py": "",
    "blog/migrations/0001_initial.py": """\
from django.conf import settings
from django.db import migrations, models

TITLE = models.CharField(max_length=100, primary_key=True, serialize=False)
AUTHOR = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)


class Migration(migrations.Migration):
    initial = True
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [migrations.CreateModel("Entry", [("title", TITLE), ("author", AUTHOR)])]
""",
    "blog/models.py": """\
from django.conf import settings
from django.db import models


class Entry(models.Model):
    title = models.CharField(max_length=100, primary_key=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)

    def __str__(self):
        return self.title
""",
    "blog/urls.py": """\
from django.urls import path
from django.views.generic import ListView

from blog.models import Entry

urlpatterns = [path("", ListView.as_view(model=Entry), name="blog")]
""",
    "templates/blog/entry_list.html": """\
{% extends "base.html" %}
{% block content %}{% for entry in entry_list %}<h1>{{ entry }}</h1>{{ entry.author }}{% endfor %}{% endblock %}
""",
    "webhook/__init__.py": "",
    "webhook/views.py": """\
import hmac

from django.conf import settings
from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST


@csrf_exempt
@require_POST
def receive(request):
    expected = hmac.new(settings.SECRET_KEY.encode(), request.body, "sha256").hexdigest().encode()
    signature = request.headers.get("X-Signature", "").encode()
    return HttpResponse(status=204 if hmac.compare_digest(signature, expected) else 403)
""",
    "tests/test_blog.py": """\
import pytest


@pytest.mark.django_db
def test_the_blog_is_shown(client):
    assert client.get("/blog/").status_code == 200


def test_a_webhook_without_a_signature_is_refused(client):
    assert client.post("/webhook/", b"{}", "application/json").status_code == 403
""",
}
# The chat, with the classes that there were: those of Channels in v0.1.
CHAT = """\
from paas.asgi.consumers import BAD_MESSAGE, SessionConsumer


class ChatConsumer(SessionConsumer):
    initial_groups = ["chat"]

    async def receive_json(self, content, **kwargs):
        if not isinstance(content, str):
            await self.close(BAD_MESSAGE)
            return
        await self.channel_layer.group_send("chat", {"type": "chat.line", "text": content})

    async def chat_line(self, message):
        await self.send_json({"type": "line", "text": message["text"]})
"""
OLDEST_CHAT = """\
from channels.generic.websocket import AsyncJsonWebsocketConsumer


class ChatConsumer(AsyncJsonWebsocketConsumer):
    groups = ["chat"]

    async def connect(self):
        if self.scope["user"].is_authenticated:
            await self.accept()
        else:
            await self.close()

    async def receive_json(self, content, **kwargs):
        await self.channel_layer.group_send("chat", {"type": "chat.line", "text": str(content)})

    async def chat_line(self, message):
        await self.send_json({"type": "line", "text": message["text"]})
"""
PAGES = '    path("", include("pages.urls")),\n'
CHANGES = [
    ("config/settings.py", 'TIME_ZONE = "UTC"', 'TIME_ZONE = "Europe/Oslo"'),
    ("config/settings.py", '    "users",\n', '    "users",\n    "blog",\n'),
    (
        "config/urls.py",
        PAGES,
        f'    path("blog/", include("blog.urls")),\n    path("webhook/", receive),\n{PAGES}',
    ),
    (
        "config/urls.py",
        "\nurlpatterns = [",
        "\nfrom webhook.views import receive\n\nurlpatterns = [",
    ),
    ("templates/pages/home.html", "Your site is up and running.", "Write it down."),
    ("app.json", '"quantity": 1', '"quantity": 2'),
    (".do/app.yaml", 'version: "16"', 'version: "17"'),
]
ROUTES = [
    ("from presence.consumers", "from chat.consumers import ChatConsumer\nfrom presence.consumers"),
    (
        '[path("ws/presence/", PresenceConsumer.as_asgi())]',
        """[
    path("ws/presence/", PresenceConsumer.as_asgi()),
    path("ws/chat/", ChatConsumer.as_asgi()),
]""",
    ),
]
# At the end of the file, as where a library's middleware wraps the application.
ASGI = """
django_application = application


async def application(scope, receive, send):  # type: ignore[no-redef]
    await django_application(scope, receive, send)
"""
# The machinery was a folder of the project, and the URLs of WebSockets a file, until v0.3.
MACHINERY, ROUTING = "paas/logs/sentry.py", "presence/routing.py"


def edit(project: Checkout, version: str) -> None:
    """Make a project of that version the owner's own.

    Since v0.4 the URL of the chat is in config/asgi.py: add it as CHANGELOG.md says.
    """
    for name, text in FILES.items():
        project.write(name, text)
    for name, old, new in CHANGES:
        if (project.folder / name).exists():
            project.replace(name, old, new)
    if (project.folder / "config/asgi.py").exists():
        project.append("config/asgi.py", ASGI)
        project.write("chat/__init__.py", "")
        project.write("chat/consumers.py", OLDEST_CHAT if version == "v0.1.0" else CHAT)
    if (project.folder / ROUTING).exists():
        for old, new in ROUTES:
            project.replace(ROUTING, old, new)
    if (project.folder / MACHINERY).exists():
        project.replace(MACHINERY, "max_breadcrumbs=0", "max_breadcrumbs=20")
