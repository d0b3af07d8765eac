"""Settings of axes' suite: those of its tests, with our backend, handler, callables and limits."""

from paas.accounts import settings as ours
from tests.settings import *

AUTHENTICATION_BACKENDS = ours.AUTHENTICATION_BACKENDS
AXES_HANDLER = ours.AXES_HANDLER
AXES_CLIENT_IP_CALLABLE = ours.AXES_CLIENT_IP_CALLABLE
AXES_USERNAME_CALLABLE = ours.AXES_USERNAME_CALLABLE
LOCKOUT_USER_AND_IP_LIMIT = LOCKOUT_IP_LIMIT = AXES_FAILURE_LIMIT
