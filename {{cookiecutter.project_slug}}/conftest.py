pytest_plugins = ["paas.testing.fixtures"]
