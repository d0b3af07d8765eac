from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A custom user model from the start: AUTH_USER_MODEL is hard to change once there are tables.

    https://docs.djangoproject.com/en/stable/topics/auth/customizing/
    """

    class Meta(AbstractUser.Meta):
        # Without it "ada" and "Ada" could be two users.
        constraints = [
            models.UniqueConstraint(
                Lower("username"),
                name="username_ignoring_case",
                violation_error_message=_("A user with that username already exists."),
            )
        ]
