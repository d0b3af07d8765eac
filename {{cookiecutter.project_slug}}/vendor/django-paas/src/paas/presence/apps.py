from django.apps import AppConfig


class PresenceConfig(AppConfig):
    name = "paas.presence"
    label = "paas_presence"
