from django.apps import AppConfig


class PicturesConfig(AppConfig):
    name = "pictures"
    navigation = ("picture", "Your picture")

    def ready(self):
        from . import checks  # noqa: F401 (registers the checks)
