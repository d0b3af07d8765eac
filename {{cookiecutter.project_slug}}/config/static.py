from django.http import HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """WhiteNoise for ASGI, where Django warns of a file that is streamed synchronously, and then
    reads all of it before it sends a byte: so it may as well be read here.
    """

    @staticmethod
    def serve(static_file, request):
        streamed = WhiteNoiseMiddleware.serve(static_file, request)
        response = HttpResponse(streamed.getvalue(), status=streamed.status_code)
        response.headers = streamed.headers
        streamed.close()
        return response
