from django.conf import settings
from django.conf.urls.static import static
from django.urls import path

from pictures import views

urlpatterns = [
    path("", views.PictureView.as_view(), name="picture"),
    path("remove/", views.remove_picture, name="picture_remove"),
    # static() returns no URL unless DEBUG is on: files in MEDIA_ROOT are for development.
    *static("files/", document_root=settings.MEDIA_ROOT),
]
