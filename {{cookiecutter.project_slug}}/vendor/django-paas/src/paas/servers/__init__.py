"""The web server, with graceful shutdown and the limits of ``paas/limits.py``."""
