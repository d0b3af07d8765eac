"""Deploy checks of uploads: they need a bucket, as the platform deletes local files at each restart."""

import re
from functools import partial
from importlib.util import find_spec

from django.apps import apps
from django.core.checks import Error
from django.core.files.storage import default_storage
from django.db.models import FileField

from paas.checks import CHECKS, deploy_error, environment_check
from paas.conf import settings
from paas.env import BUCKET_VARIABLES

# Regular expressions of the values.
PATTERNS = {
    "AWS_ACCESS_KEY_ID": r"[A-Z0-9]{16,128}",
    "AWS_SECRET_ACCESS_KEY": r"[A-Za-z0-9/+=]{30,}",
    "AWS_STORAGE_BUCKET_NAME": r"[a-z0-9-]{3,63}",
    "AWS_S3_REGION_NAME": r"[a-z0-9-]+",
}
ADD_BUCKET = (
    'Uploads need a bucket: add "django-paas[s3]" to the dependencies, and set the AWS_* variables. '
    '"Uploads" in docs/operations.md of a new project has the steps.'
)


def has_bucket() -> bool:
    """Whether the project has the setting BUCKET, and django-paas[s3] is installed."""
    return bool(settings.BUCKET) and find_spec("storages") is not None


def is_stored_by(*names: str) -> bool:
    """Whether the default storage is a class of one of these names."""
    return settings.STORAGES.get("default", {}).get("BACKEND", "").endswith(names)


def check_bucket(name: str) -> Error | None:
    if not has_bucket():
        return None
    if not (is_stored_by("FileSystemStorage", "Bucket") or settings.BUCKET["bucket_name"]):
        return None
    value = settings.BUCKET[BUCKET_VARIABLES[name]]
    if not value:
        return deploy_error(20, name, "is not set.", is_variable=True)
    if not re.fullmatch(PATTERNS[name], value):
        return deploy_error(20, name, f"must match {PATTERNS[name]!r}.", is_variable=True)
    return None


CHECKS += [partial(check_bucket, name) for name in BUCKET_VARIABLES]


@environment_check
def check_storage() -> Error | None:
    """Files of models need the bucket."""
    if has_bucket() or not is_stored_by("FileSystemStorage", "Bucket"):
        return None
    if field := stored_field():
        message = f"{field} has no bucket: the platform deletes local files at each restart."
        return Error(message, hint=ADD_BUCKET, id="paas.E021")
    return None


def stored_field() -> FileField | None:
    """A field of a model whose files are in the default storage, if there is one."""
    fields = (field for model in apps.get_models() for field in model._meta.local_fields)
    files = (field for field in fields if isinstance(field, FileField))
    return next((field for field in files if field.storage is default_storage), None)
