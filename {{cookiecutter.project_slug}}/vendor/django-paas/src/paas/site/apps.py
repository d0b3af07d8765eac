from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "paas.site"
    label = "paas_site"
