"""PostgreSQL: DATABASES from the environment, and its connections; and the URL of Redis.

===============  ===============================================================================
``url.py``       DATABASES from DATABASE_URL and the like
``health.py``    checks of connections that stay open
``pool.py``      connections that Gunicorn's threads share
``timeouts.py``  the limit of a query's time, and the response 503
``budget.py``    how many connections the server allows, and how many are in use
``redis.py``     REDIS_URL, with the check of its certificate
===============  ===============================================================================
"""
