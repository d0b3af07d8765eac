"""A new project's, which every test of Gunicorn runs with."""

from runpy import run_path

globals().update(run_path("../../{{cookiecutter.project_slug}}/gunicorn.conf.py"))
