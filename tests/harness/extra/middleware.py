"""A user's own middleware, of each kind that Django knows; each adds a header to responses."""

from contextvars import ContextVar

from asgiref.sync import iscoroutinefunction
from django.http import HttpResponse
from django.utils.decorators import async_only_middleware, sync_and_async_middleware

# The path of the request, as set by hybrid(); "" elsewhere.
current_path: ContextVar[str] = ContextVar("current_path", default="")


class SyncOnly:
    """As most middleware in old projects: with hooks, and without ``async_capable``."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.view_name = ""
        response = self.get_response(request)
        response["X-Sync-Only"] = request.view_name
        return response

    def process_view(self, request, view, arguments, keywords):
        request.view_name = view.__name__

    def process_exception(self, request, exception):
        if isinstance(exception, LookupError):
            return HttpResponse(f"{exception} was not found.", status=404)
        return None


@async_only_middleware
def async_only(get_response):
    async def middleware(request):
        response = await get_response(request)
        response["X-Async-Only"] = "yes"
        return response

    return middleware


@sync_and_async_middleware
def hybrid(get_response):
    if iscoroutinefunction(get_response):

        async def middleware(request):
            path_before = current_path.get()
            current_path.set(request.path)
            response = await get_response(request)
            response["X-Hybrid"] = current_path.get()
            response["X-Path-Before"] = path_before
            return response
    else:

        def middleware(request):
            path_before = current_path.get()
            current_path.set(request.path)
            response = get_response(request)
            response["X-Hybrid"] = current_path.get()
            response["X-Path-Before"] = path_before
            return response

    return middleware
