"""How a rehearsal is shown: as text while it runs, as JSON, and as a page of HTML."""
