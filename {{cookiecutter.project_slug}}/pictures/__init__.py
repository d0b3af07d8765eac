"""A picture for every account.

What is uploaded is never stored as it came: ``images.py`` makes a picture of it that is safe to
show. The files are in a private bucket (``paas/bucket.py``), and pages show them by links that are good
for an hour. A new picture is stored before the old one goes, and an account takes its own along.
"""
