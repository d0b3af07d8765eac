"""Security headers that Django has no setting for."""

from paas.middleware import NonBlockingMiddleware

# Browser features that no page of this site may use; delete one here to use it:
# https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Permissions-Policy
DISABLED_FEATURES = """
    accelerometer autoplay camera display-capture encrypted-media geolocation gyroscope hid
    idle-detection magnetometer microphone midi payment picture-in-picture screen-wake-lock
    serial usb xr-spatial-tracking
"""
HEADERS = {
    # Files of other sites are loaded without cookies, and other sites cannot load ours.
    "Cross-Origin-Embedder-Policy": "credentialless",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in DISABLED_FEATURES.split()),
}


class SecurityHeadersMiddleware(NonBlockingMiddleware):
    """Add HEADERS to every response, except those that the view has set itself."""

    def process_response(self, request, response):
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response
