"""Checks of ASGI projects: the channel layer, and middleware that cannot run on the event loop."""

from importlib import import_module

from django.contrib.sessions.backends import signed_cookies
from django.core.checks import Error, Info, register
from django.utils.module_loading import import_string

from paas.checks import deploy_error, environment_check
from paas.conf import settings

SYNC_ONLY_WARNING = "%s is synchronous only: each async view holds a thread while it waits."


@environment_check
def check_channel_layer() -> Error | None:
    # Channels' setting, which a site without WebSockets does not have.
    layers = getattr(settings, "CHANNEL_LAYERS", {})
    layer = layers.get("default", {}).get("BACKEND", "")
    if settings.REDIS_URL and layer.endswith("InMemoryChannelLayer"):
        return deploy_error(8, "CHANNEL_LAYERS", "must name a layer that all processes share.")
    return None


@environment_check
def check_sessions_can_end() -> Error | None:
    store = import_module(settings.SESSION_ENGINE).SessionStore
    if not issubclass(store, signed_cookies.SessionStore):
        return None
    return deploy_error(
        32,
        "SESSION_ENGINE",
        "must store sessions: one in a cookie opens no WebSocket, as it has no end.",
    )


def sync_only_middleware() -> list[str]:
    """The dotted paths in settings.MIDDLEWARE that have no async mode."""
    return [
        path
        for path in settings.MIDDLEWARE
        if not getattr(import_string(path), "async_capable", False)
    ]


@register
def check_async_middleware(app_configs=None, **kwargs) -> list[Info]:
    """List synchronous middleware. An Info, as the release command fails at a Warning."""
    hint = "https://docs.djangoproject.com/en/stable/topics/http/middleware/#async-middleware"
    return [
        Info(SYNC_ONLY_WARNING % path, hint=hint, id="paas.I001") for path in sync_only_middleware()
    ]
