"""Windows from visits, and what may be released of them. Values in, values out."""
