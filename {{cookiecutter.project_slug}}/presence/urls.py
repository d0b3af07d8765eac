from django.urls import path
from paas.asgi.tickets import create_ticket

from presence import views

urlpatterns = [
    path("", views.presence, name="presence"),
    path("ticket/", create_ticket, name="presence_ticket"),
]
