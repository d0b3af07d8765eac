"""The adapter, with what allauth's tests stub, and the URLs."""

import importlib

from django.http import HttpResponse
from django.urls import include, path
from paas.accounts import adapter, urls
from tests.projects.account_only.urls import urlpatterns as theirs
from tests.projects.common import adapters

importlib.reload(urls)  # as the tests do with allauth's
urlpatterns = [
    path("", HttpResponse, name="home"),
    path("accounts/", include(urls)),
    *theirs,
]


class AccountAdapter(adapter.AccountAdapter, adapters.AccountAdapter):
    """Ours."""
