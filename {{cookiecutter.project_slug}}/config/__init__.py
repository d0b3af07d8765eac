# <% if cookiecutter.use_celery %>
from config.celery import app as celery_app

# For @shared_task: https://docs.celeryq.dev/en/stable/django/first-steps-with-django.html
__all__ = ["celery_app"]
# <% endif %>
