pytest_plugins = ["rehearsal.fixtures", "rehearsal.browsing", "rehearsal.summary"]
