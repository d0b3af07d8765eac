"""Deploy check: a bucket is required, as the platform deletes local files at each restart."""

import re
from functools import partial

from django.core.checks import Error

from paas.checks import CHECKS, deploy_error
from paas.conf import settings

# For each environment variable its key in settings.BUCKET, and a regular expression for its value.
VARIABLES = {
    "AWS_ACCESS_KEY_ID": ("access_key", r"[A-Z0-9]{16,128}"),
    "AWS_SECRET_ACCESS_KEY": ("secret_key", r"[A-Za-z0-9/+=]{30,}"),
    "AWS_STORAGE_BUCKET_NAME": ("bucket_name", r"[a-z0-9-]{3,63}"),
    "AWS_S3_REGION_NAME": ("region_name", r"[a-z0-9-]+"),
}


def check_bucket(name: str) -> Error | None:
    key, pattern = VARIABLES[name]
    if not settings.BUCKET[key]:
        return deploy_error(20, name, "is not set.", is_variable=True)
    if not re.fullmatch(pattern, settings.BUCKET[key]):
        return deploy_error(20, name, f"must match {pattern!r}.", is_variable=True)
    return None


CHECKS += [partial(check_bucket, name) for name in VARIABLES]
