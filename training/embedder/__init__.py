"""The embedder's training: recipe, pictures, network, loss, loop and export."""
