from django.dispatch import receiver

from paas.asgi.sessions import session_digest, session_ended
from paas.presence.models import OpenWebSocket


@receiver(session_ended)
def delete_rows(sender, session_key, **kwargs):
    """Delete the rows before the WebSockets close, which would send "went offline" for the last."""
    OpenWebSocket.objects.filter(session=session_digest(session_key)).delete()
