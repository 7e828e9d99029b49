"""A real Elasticsearch for the tests, fetched once and started at will; and a proxy that spoils it."""
