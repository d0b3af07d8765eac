"""Views, middleware and settings that tests and the benchmark add to a baked project."""
