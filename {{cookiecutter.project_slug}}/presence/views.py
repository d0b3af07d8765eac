from django.contrib.auth.decorators import login_required
from django.http import JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from presence.services import list_people
from presence.tickets import TICKET_SECONDS, make_ticket


@login_required
@never_cache
def presence(request):
    people = list_people()
    online = sum(person["online"] for person in people)
    return render(request, "presence/presence.html", {"people": people, "online": online})


@require_POST
@never_cache
def ticket(request):
    """A ticket for a client without cookies, as JSON: ``ticket``, and ``seconds`` it is good for.

    It opens one WebSocket.
    """
    if not request.user.is_authenticated:
        return JsonResponse({"error": "Log in first."}, status=401)
    made = make_ticket(request.session.session_key)
    return JsonResponse({"ticket": made, "seconds": TICKET_SECONDS})
