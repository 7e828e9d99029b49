"""The gallery in Elasticsearch."""
