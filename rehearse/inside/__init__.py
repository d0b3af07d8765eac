"""What runs in the project's own Python: it imports nothing of ours."""
