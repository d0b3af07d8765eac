"""Argon2id, with OWASP's parameters and a bound of memory."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.hashers import (
    Argon2PasswordHasher,
)

from paas.accounts.hashers import Argon2


def test_passwords_are_hashed_by_argon2_with_owasp_s_parameters():
    hasher = Argon2()
    encoded = hasher.encode("secret", hasher.salt())
    assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize("method", ["encode", "verify"])
def test_at_most_two_passwords_are_hashed_at_a_time(method, monkeypatch):
    hasher, two, running, most = Argon2(), threading.Barrier(2), set(), 0

    def count(*arguments):
        nonlocal most
        running.add(threading.get_ident())
        two.wait(60)
        time.sleep(0.02)  # a third one would begin
        most = max(most, len(running))
        running.discard(threading.get_ident())

    monkeypatch.setattr(Argon2PasswordHasher, method, count)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: getattr(hasher, method)("secret", "salt"), range(16)))
    assert most == 2
