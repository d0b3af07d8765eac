"""Django: under WSGI a chunked body is empty where the server sets wsgi.input_terminated."""

from io import BytesIO

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest

if __name__ == "__main__":
    settings.configure()
    request = WSGIRequest(
        {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/",
            "HTTP_TRANSFER_ENCODING": "chunked",
            # As Gunicorn does: it decodes the body, whose length it does not know yet.
            "wsgi.input": BytesIO(b"the body"),
            "wsgi.input_terminated": True,
        }
    )
    print(f"read: {request.body!r}")
    assert request.body == b"the body", "wsgi.input_terminated is ignored"
