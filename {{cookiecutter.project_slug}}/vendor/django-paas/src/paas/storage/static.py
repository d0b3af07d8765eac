from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage, where a file that was not collected is a broken link and no 500.

    A misspelled name works in development, and error pages have a stylesheet too. It is not logged
    here, as WhiteNoise asks for names that are none; a browser's request for it is, with status 404.
    """

    def url(self, name, force=False):
        try:
            return super().url(name, force)
        except ValueError:
            return FileSystemStorage.url(self, name)
