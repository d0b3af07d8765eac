"""Security headers that Django has no setting for, in the words of the browsers."""

from paas.middleware import NonBlockingMiddleware

# What a page may not ask a person or a device for: all that this site has no use for.
FORBIDDEN = """
    accelerometer autoplay camera display-capture encrypted-media geolocation gyroscope hid
    idle-detection magnetometer microphone midi payment picture-in-picture screen-wake-lock
    serial usb xr-spatial-tracking
"""
HEADERS = {
    # Others' files are loaded without their cookies, and others cannot load ours.
    "Cross-Origin-Embedder-Policy": "credentialless",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in FORBIDDEN.split()),
}


class SecurityHeadersMiddleware(NonBlockingMiddleware):
    """Give every response these headers, where it has not set its own."""

    def process_response(self, request, response):
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response
