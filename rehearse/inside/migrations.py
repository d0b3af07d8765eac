"""Print the last but one migration of each of the project's own apps that has several."""

from pathlib import Path

from django.db import connection
from django.db.migrations.loader import MigrationLoader

loader = MigrationLoader(connection)
for app, name in loader.graph.leaf_nodes():
    module = __import__(loader.disk_migrations[app, name].__module__, fromlist=["x"])
    parents = [key for key in loader.graph.node_map[app, name].parents if key[0] == app]
    if Path.cwd() in Path(module.__file__).parents and "site-packages" not in module.__file__:
        for parent in parents:
            print("before:", *parent.key)
