"""The least of a project that shows a baked project's home page, to compare its servers with."""
