"""The common ground of all training data: face manifests, and what is made of them."""
