"""Refuse to go live without a bucket: uploads would be lost with the disk they are on."""

import re
from functools import partial

from django.conf import settings
from django.core.checks import Error

from paas.checks import CHECKS, variable_error

# What a variable must look like, by the name it has in settings.BUCKET.
FORMS = {
    "AWS_ACCESS_KEY_ID": ("access_key", r"[A-Z0-9]{16,128}", "is no access key's ID."),
    "AWS_SECRET_ACCESS_KEY": ("secret_key", r"[A-Za-z0-9/+=]{30,}", "is no secret access key."),
    "AWS_STORAGE_BUCKET_NAME": ("bucket_name", r"[a-z0-9-]{3,63}", "is no bucket's name."),
    "AWS_S3_REGION_NAME": ("region_name", r"[a-z0-9-]+", "is no region's name."),
}


def check_bucket(name: str) -> Error | None:
    key, form, sentence = FORMS[name]
    if not settings.BUCKET[key]:
        return variable_error(20, name, "is not set.")
    return None if re.fullmatch(form, settings.BUCKET[key]) else variable_error(20, name, sentence)


CHECKS += [partial(check_bucket, name) for name in FORMS]
