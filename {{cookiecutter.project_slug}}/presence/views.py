from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from presence.people import list_people


@login_required
@never_cache
def presence(request):
    people = list_people()
    online = sum(user["online"] for user in people)
    return render(request, "presence/presence.html", {"people": people, "online": online})
