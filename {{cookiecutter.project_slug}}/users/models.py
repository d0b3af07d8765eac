from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """Django's user, ours from the first migration on: swapping it in later is hard."""
