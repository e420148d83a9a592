"""The report of an audit: for people as HTML, in English and Chinese, and for programs as JSON."""
