import pytest

from users.models import User


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """Hashing a password is slow on purpose; the tests need not wait for it."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def user(db):
    return User.objects.create_user("ada", "ada@example.com", "correct horse")
