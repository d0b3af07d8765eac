"""What protects accounts: limits of log-in, and password hashes of bounded memory.

===============  ==================================================================================
``throttle.py``  the lockout after failed log-ins; AUTHENTICATION_BACKENDS and AXES_* name its parts
``hashers.py``   Argon2id for PASSWORD_HASHERS
``apps.py``      allauth's rate limits are counted in the cache "limits"
===============  ==================================================================================
"""
