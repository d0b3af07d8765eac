from concurrent.futures import ThreadPoolExecutor

from django.contrib.auth.hashers import Argon2PasswordHasher

# Bounds memory: malloc keeps 19 MiB in each thread that has hashed a password. With 8 WEB_THREADS
# that would be 152 MiB of 512 MB.
HASH_THREADS = ThreadPoolExecutor(2, thread_name_prefix="argon2")


class Argon2(Argon2PasswordHasher):
    """Argon2id with OWASP's minimum parameters: 19 MiB of memory, 2 iterations, parallelism 1.

    https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1

    def encode(self, password, salt):
        return HASH_THREADS.submit(super().encode, password, salt).result()

    def verify(self, password, encoded):
        return HASH_THREADS.submit(super().verify, password, encoded).result()
