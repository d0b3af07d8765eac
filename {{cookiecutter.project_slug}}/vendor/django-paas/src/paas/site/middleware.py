"""Middleware that async views run on the event loop."""

from asyncio import iscoroutine
from functools import lru_cache
from inspect import iscoroutinefunction, markcoroutinefunction
from pathlib import Path

from asgiref.sync import sync_to_async
from django.http import HttpResponse
from django.utils.deprecation import MiddlewareMixin
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

# Bytes. Static files up to this size are kept in memory: CACHED_FILES of them, 8 MB at most.
MAX_CACHED_FILE = 65536
CACHED_FILES = 128


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


@lru_cache(CACHED_FILES)
def read(path: str, version: str) -> bytes:
    """The content of a file; ``version`` changes with it."""
    return Path(path).read_bytes()


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """WhiteNoise, which is synchronous only, for async views as well; with small files in memory.

    Each access to a file releases Python's global lock, for which the other threads then compete.
    """

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

    @staticmethod
    def serve(static_file, request):
        is_whole = request.method == "GET" and "HTTP_RANGE" not in request.META
        # Else a Redirect.
        if is_whole and isinstance(static_file, StaticFile):
            path, headers = static_file.get_path_and_headers(request.META)
            headers = dict(headers)
            is_small = int(headers["Content-Length"]) <= MAX_CACHED_FILE
            if is_small and not static_file.is_not_modified(request.META):
                return HttpResponse(read(path, static_file.etag), headers=headers)
        return WhiteNoiseMiddleware.serve(static_file, request)

    async def __acall__(self, request):
        if not self.autorefresh and request.path_info not in self.files:
            return await self.get_response(request)
        # WhiteNoise reads the disk. If it has no such file, it returns get_response()'s coroutine.
        response = await sync_to_async(super().__call__)(request)
        return await response if iscoroutine(response) else response
