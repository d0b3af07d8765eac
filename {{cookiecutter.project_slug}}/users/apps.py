from django.apps import AppConfig
from django.contrib.admin import apps as admin


class UsersConfig(AppConfig):
    name = "users"


class AdminConfig(admin.AdminConfig):
    default = False  # "users" in INSTALLED_APPS is UsersConfig
    default_site = "users.sites.AdminSite"
