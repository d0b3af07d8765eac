"""psycopg_pool: clients that have timed out count for max_waiting, so the pool never tries again."""

import logging
import time

from psycopg_pool import ConnectionPool, PoolTimeout, TooManyRequests

# Nothing listens on port 1: as when PostgreSQL is down.
URL = "host=127.0.0.1 port=1"


def main() -> list[str]:
    """Return how five clients fail, of which each comes after the one before has given up."""
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    options = {"min_size": 0, "max_size": 1, "timeout": 0.2, "reconnect_timeout": 0.1}
    found = []
    with ConnectionPool(URL, max_waiting=2, **options) as pool:
        for _ in range(5):
            try:
                pool.getconn()
            except (PoolTimeout, TooManyRequests) as error:
                found.append(type(error).__name__)
            time.sleep(0.3)
    return found


if __name__ == "__main__":
    errors = main()
    print(*errors)
    assert "TooManyRequests" not in errors, "clients that are gone fill the queue"
