"""The detector's training: recipe, composed scenes, augmentation, trainer and export."""
