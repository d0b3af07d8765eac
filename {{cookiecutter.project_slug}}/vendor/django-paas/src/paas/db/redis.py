"""The URL of Redis, from the environment."""

from importlib import import_module

from environs import Env


def redis_url(env: Env, platform: str) -> str:
    """REDIS_URL, or ""; over TLS with ``ssl_cert_reqs``, as the module ``platform`` says.

    Explicit, as not every client verifies the certificate by default.
    """
    url = env.str("REDIS_URL", "")
    if not url.startswith("rediss:"):
        return url
    verify = import_module(platform).REDIS_CERTIFICATE
    return f"{url}{'&' if '?' in url else '?'}ssl_cert_reqs={verify}"
