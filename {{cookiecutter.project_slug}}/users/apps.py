from django.apps import AppConfig
from django.contrib.admin import apps as admin


class UsersConfig(AppConfig):
    name = "users"

    def ready(self):
        from allauth.core.internal import ratelimit
        from allauth.mfa.totp.internal import auth as totp
        from django.core.cache import caches
        from django.utils.connection import ConnectionProxy

        # allauth counts in the cache "default", which processes may not share, and which raises
        # errors while its server is unavailable. It has no setting for another one.
        ratelimit.cache = totp.cache = ConnectionProxy(caches, "limits")


class AdminConfig(admin.AdminConfig):
    default = False  # "users" in INSTALLED_APPS is UsersConfig
    default_site = "users.sites.AdminSite"
