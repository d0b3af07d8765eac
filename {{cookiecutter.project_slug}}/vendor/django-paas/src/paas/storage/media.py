"""Serves uploads from MEDIA_ROOT in development and in a preview. In production a bucket does."""

import re

from django.urls import re_path
from django.views.static import serve

from paas.conf import settings

urlpatterns = []
if settings.DEBUG or settings.IS_PREVIEW:
    route = rf"^{re.escape(settings.MEDIA_URL.lstrip('/'))}(?P<path>.*)$"
    urlpatterns += [re_path(route, serve, {"document_root": settings.MEDIA_ROOT})]
