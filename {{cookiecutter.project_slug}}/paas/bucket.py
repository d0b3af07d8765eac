from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.utils.functional import cached_property
from storages.backends.s3 import S3Storage


class Bucket(S3Storage):
    """A private bucket on S3 or Spaces. Links to what is in it are signed, and good for an hour."""

    file_overwrite = False
    default_acl = None
    querystring_auth = True
    querystring_expire = 3600
    client_config = Config(
        signature_version="s3v4",
        # Names the bucket in the host, which the Content Security Policy then allows alone.
        s3={"addressing_style": "virtual"},
        # Twice these is well within the 30 seconds that Heroku's router waits.
        connect_timeout=3,
        read_timeout=5,
        retries={"total_max_attempts": 2},
        # Only S3 itself knows all the checksums that boto would add.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )

    @cached_property
    def connection(self):
        """One for all threads, as making it takes 0.1 s."""
        return super().connection

    def save(self, name, content, max_length=None):
        """Raise an OSError, as storage on a disk does, if the file cannot be stored."""
        try:
            return super().save(name, content, max_length)
        except (Boto3Error, BotoCoreError, ClientError) as error:
            raise OSError(f"The bucket failed: {error}") from error
