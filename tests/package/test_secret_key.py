"""A new SECRET_KEY, with the old one in SECRET_KEY_FALLBACKS, logs no one out."""

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.tokens import default_token_generator
from django.core import signing


@pytest.fixture
def replace_key(settings):
    """A function that puts a new key in the place of the old one, which is kept as a fallback."""

    def replace(keep_old: bool = True) -> None:
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY] * keep_old
        settings.SECRET_KEY = "another secret"

    return replace


@pytest.mark.parametrize("keep_old", [True, False])
def test_sessions_outlive_a_new_key_if_the_old_one_is_a_fallback(
    client, user, replace_key, keep_old
):
    client.force_login(user)
    replace_key(keep_old)
    client.get("/accounts/login/")
    assert (SESSION_KEY in client.session) == keep_old


@pytest.mark.parametrize("keep_old", [True, False])
def test_reset_links_and_signed_values_outlive_a_new_key_too(user, replace_key, keep_old):
    token, signed = default_token_generator.make_token(user), signing.dumps("value")
    replace_key(keep_old)
    assert default_token_generator.check_token(user, token) == keep_old
    if keep_old:
        assert signing.loads(signed) == "value"
    else:
        with pytest.raises(signing.BadSignature):
            signing.loads(signed)
