from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin import apps as admin_apps


class AccountsConfig(AppConfig):
    default = True
    name = "paas.accounts"
    label = "paas_accounts"

    def ready(self):
        from allauth.account.signals import password_reset
        from allauth.mfa.signals import authenticator_used

        from paas.accounts import checks, lockout  # noqa: F401 (checks: registers them)

        # A right password clears failures in lockout.Backend, and any login in axes' handler.
        authenticator_used.connect(lockout.clear_failures)
        password_reset.connect(lockout.clear_all_failures)


class AdminConfig(admin_apps.AdminConfig):
    """In INSTALLED_APPS in place of ``django.contrib.admin``."""

    default = False  # "paas.accounts" in INSTALLED_APPS is AccountsConfig
    default_site = "paas.accounts.admin_site.AdminSite"

    def ready(self):
        super().ready()  # imports the admin.py of every app
        from allauth.account.models import EmailAddress
        from allauth.mfa.models import Authenticator

        from paas.accounts.admin import AuthenticatorAdmin

        # A user's page has the address. With allauth's, staff could confirm one of their own for
        # anyone; its page of second factors shows their secrets.
        admin.site.unregister([Authenticator, EmailAddress])
        admin.site.register(Authenticator, AuthenticatorAdmin)
