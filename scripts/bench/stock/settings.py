"""The baked project's settings, with the connections that STOCK_CONNECTIONS names.

https://docs.djangoproject.com/en/stable/ref/databases/#persistent-connections
"""

import os

from config.settings import *
from config.settings import DATABASES

CONNECTIONS = {
    "persistent": {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True},
    "one a request": {"CONN_MAX_AGE": 0},
    "psycopg's pool": {"CONN_MAX_AGE": 0},
}
chosen = os.environ["STOCK_CONNECTIONS"]
DATABASES["default"].update(CONNECTIONS[chosen])
if chosen == "psycopg's pool":
    DATABASES["default"]["OPTIONS"]["pool"] = True
