from concurrent.futures import ThreadPoolExecutor

from django.contrib.auth.hashers import Argon2PasswordHasher

# Two passwords at once. malloc keeps the 19 MiB for the next password in the same thread: in each of
# WEB_THREADS and of the processes, that would take up to 152 MiB of 512.
THREADS = ThreadPoolExecutor(2, thread_name_prefix="argon2")


class Argon2(Argon2PasswordHasher):
    """Argon2id with the least that OWASP recommends: 19 MiB and two passes, on one core."""

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1

    def encode(self, password, salt):
        return THREADS.submit(super().encode, password, salt).result()

    def verify(self, password, encoded):
        return THREADS.submit(super().verify, password, encoded).result()
