"""The methods that the server knows, one module for each subject."""
