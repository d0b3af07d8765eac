"""Security headers that Django has no setting for. docs/protections.md here says how to relax them."""

from django.views.decorators.csp import csp_override

from paas.conf import settings
from paas.logs.requests import user_id
from paas.site.middleware import NonBlockingMiddleware

# Browser features that no page of this site may use. ``settings.PERMISSIONS_POLICY`` allows some:
# https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Permissions-Policy
DISABLED_FEATURES = """
    accelerometer autoplay camera display-capture encrypted-media geolocation gyroscope hid
    idle-detection magnetometer microphone midi payment picture-in-picture screen-wake-lock
    serial usb xr-spatial-tracking
"""
# https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Cache-Control
NOT_STORED = "no-store, private"


def headers() -> dict[str, str]:
    features = dict.fromkeys(DISABLED_FEATURES.split(), "")
    features |= settings.PERMISSIONS_POLICY
    return {
        # Other sites cannot load files of this one.
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": ", ".join(
            f"{name}=({origins})" for name, origins in features.items()
        ),
    }


class SecurityHeadersMiddleware(NonBlockingMiddleware):
    """Add headers() to every response, except those that the view has set itself.

    Below a path of CSP_BY_PATH the response gets that policy, also in place of the view's own; the
    longest path wins.

    A response that may name the user is not stored: neither by a proxy nor in the browser, where
    "Back" would show it after a logout. Set Cache-Control in the view to store it.
    """

    def __init__(self, get_response):
        super().__init__(get_response)
        self.headers = headers()
        by_path = {
            f"/{path.strip('/')}/".replace("//", "/"): policy
            for path, policy in settings.CSP_BY_PATH.items()
        }
        # Django's decorator, around a view that returns the response it is given.
        self.policies = [
            (path, csp_override(by_path[path])(lambda response: response))
            for path in sorted(by_path, key=len, reverse=True)
        ]

    def process_response(self, request, response):
        for path, set_policy in self.policies:
            if f"{request.path_info}/".startswith(path):
                set_policy(response)
                break
        for name, value in self.headers.items():
            response.headers.setdefault(name, value)
        if user_id(request) is not None and not response.has_header("Cache-Control"):
            response.headers["Cache-Control"] = NOT_STORED
        return response
