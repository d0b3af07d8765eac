from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "paas.accounts"
    label = "paas_accounts"

    def ready(self):
        from allauth.core.internal import ratelimit
        from allauth.mfa.totp.internal import auth as totp
        from django.core.cache import caches
        from django.utils.connection import ConnectionProxy

        # allauth counts in the cache "default", which processes may not share, and which raises
        # errors while its server is unavailable. It has no setting for another one.
        ratelimit.cache = totp.cache = ConnectionProxy(caches, "limits")
