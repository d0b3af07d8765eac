import structlog
from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

logger = structlog.get_logger(__name__)


class StaticFiles(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage, where a file that was not collected is a broken link and no 500.

    A misspelled name works in development, and error pages have a stylesheet too.
    """

    def url(self, name, force=False):
        try:
            return super().url(name, force)
        except ValueError:
            logger.warning("static file not collected", name=name)
            return FileSystemStorage.url(self, name)
