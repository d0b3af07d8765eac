from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.utils.functional import cached_property
from storages.backends.s3 import S3Storage


class Bucket(S3Storage):
    """A private bucket; the URLs of its files are signed, and expire after an hour.

    https://django-storages.readthedocs.io/en/latest/backends/amazon-S3.html
    """

    file_overwrite = False
    default_acl = None
    querystring_auth = True
    querystring_expire = 3600
    client_config = Config(
        signature_version="s3v4",
        # With the bucket in the host name, the Content Security Policy can allow this bucket only.
        s3={"addressing_style": "virtual"},
        # Seconds. Two attempts take less than 30, after which the router may give up.
        connect_timeout=3,
        read_timeout=5,
        retries={"total_max_attempts": 2},
        # boto3 adds checksums by default, which not every S3-compatible service supports.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )

    @cached_property
    def connection(self):
        """One boto3 resource for all threads: to make one takes 0.1 s."""
        return super().connection

    def save(self, name, content, max_length=None):
        """Raise OSError if the file cannot be stored, as FileSystemStorage does."""
        try:
            return super().save(name, content, max_length)
        except (Boto3Error, BotoCoreError, ClientError) as error:
            raise OSError(f"The bucket failed: {error}") from error
