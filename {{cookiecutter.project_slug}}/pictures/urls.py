from django.urls import path

from pictures import views

urlpatterns = [
    path("", views.PictureView.as_view(), name="picture"),
    path("remove/", views.remove_picture, name="picture_remove"),
]
