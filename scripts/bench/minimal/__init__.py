"""A minimal project with a baked project's home page, as the baseline for its servers."""
