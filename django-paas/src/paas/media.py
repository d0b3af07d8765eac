"""Serves uploads in development, from MEDIA_ROOT. In production they are in the bucket."""

from django.conf import settings
from django.conf.urls.static import static

# Empty unless DEBUG is on.
urlpatterns = static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT)
