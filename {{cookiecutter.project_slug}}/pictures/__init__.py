"""Example: a picture for every user. README.md has the steps that remove it.

Uploads are not stored as they are: ``paas.storage.images`` validates each and encodes it again. The files are
in a private bucket (``paas.storage.bucket``), and pages link to them by signed URLs that expire after an hour.
A new file is stored before the old one is deleted. Deleting a user deletes the user's file.
"""
