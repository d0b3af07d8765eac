"""Limits that all servers share: which view a path has, and error responses without Django."""

import pytest
from django.http import HttpResponse
from django.urls import path, register_converter

from paas.limits import max_body_size, max_body_size_of


class FailingConverter:
    regex = "[a-z]+"

    def to_python(self, value):
        raise RuntimeError("It does not work.")

    def to_url(self, value):
        return value


@max_body_size(10)
def small(request):
    return HttpResponse()


register_converter(FailingConverter, "failing_limit")
urlpatterns = [path("small/", small), path("failing/<failing_limit:value>/", small)]


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("url", "limit"),
    [("/small/", 10), ("/nowhere/", 7), ("/failing/a/", 7)],
)
def test_the_limit_of_a_body_is_its_view_s_or_that_of_the_settings(settings, url, limit):
    settings.MAX_BODY_SIZE = 7
    assert max_body_size_of(url) == limit
