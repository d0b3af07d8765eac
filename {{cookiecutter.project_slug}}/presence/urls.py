from django.urls import path

from presence import views

urlpatterns = [
    path("", views.presence, name="presence"),
]
