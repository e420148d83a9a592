"""HTTP: the API, the pages, and what protects both."""
