"""Who may see what, and who saw what: accounts, roles, sessions, tokens, links, the access log."""
