"""Middleware that async views run on the event loop."""

from asyncio import iscoroutine
from inspect import iscoroutinefunction, markcoroutinefunction

from asgiref.sync import sync_to_async
from django.utils.deprecation import MiddlewareMixin
from whitenoise.middleware import WhiteNoiseMiddleware


class NonBlockingMiddleware(MiddlewareMixin):
    """Base class for middleware whose methods never wait.

    For async views MiddlewareMixin runs ``process_request`` and ``process_response`` in a thread;
    here the event loop runs them.
    """

    def process_request(self, request):
        """Return a response, or None to go on to the view."""

    def process_response(self, request, response):
        return response

    async def __acall__(self, request):
        # The stubs do not know which of the two get_response is.
        response = self.process_request(request) or await self.get_response(request)  # type: ignore[misc]
        return self.process_response(request, response)


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """WhiteNoise, which is synchronous only, for async views as well."""

    async_capable = True

    def __init__(self, get_response):
        super().__init__(get_response)
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request):
        if self.is_async:
            return self.__acall__(request)
        return super().__call__(request)

    async def __acall__(self, request):
        if not self.autorefresh and request.path_info not in self.files:
            return await self.get_response(request)
        # WhiteNoise reads the disk. If it has no such file, it returns get_response()'s coroutine.
        response = await sync_to_async(super().__call__)(request)
        return await response if iscoroutine(response) else response
