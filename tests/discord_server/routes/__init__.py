"""The routes of the REST interface, one module a subject; each has its `ROUTES`."""
