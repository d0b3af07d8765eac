from django.conf import settings
from django.conf.urls.static import static
from django.urls import path

from pictures import views

urlpatterns = [
    path("", views.PictureView.as_view(), name="picture"),
    path("remove/", views.remove_picture, name="picture_remove"),
    # In development only.
    *static("files/", document_root=settings.MEDIA_ROOT),
]
