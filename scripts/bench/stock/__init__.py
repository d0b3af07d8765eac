"""A baked project as Django's documentation deploys it: Django's own handlers and connections."""
