"""From the broker to the database: read, commit, acknowledge, and only then settle."""
