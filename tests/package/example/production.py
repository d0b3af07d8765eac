"""A valid production configuration."""

from typing import Any

VALID_SETTINGS: dict[str, Any] = {
    "DEBUG": False,
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEFG",
    "ALLOWED_HOSTS": ["www.example.com"],
    "SECURE_SSL_REDIRECT": True,
    "SECURE_HSTS_SECONDS": 3600,
    "SESSION_COOKIE_SECURE": True,
    "CSRF_COOKIE_SECURE": True,
    "REDIS_URL": "rediss://:password@localhost:6379",
    "CHANNEL_LAYERS": {"default": {"BACKEND": "paas.asgi.channel_layer.ChannelLayer"}},
    "BUCKET": {
        "access_key": "AKIAIOSFODNN7EXAMPLE",
        "secret_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "bucket_name": "uploads",
        "region_name": "us-east-1",
    },
}
