pytest_plugins = ["paas.testing.fixtures"]  # user: ada, "correct horse"
