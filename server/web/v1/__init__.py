"""The routes of `/api/v1`, by nouns; `server.web.api` puts them together."""
