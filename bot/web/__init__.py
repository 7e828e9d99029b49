"""The web console: a page to try pictures, look after the gallery and see how the process is doing."""
