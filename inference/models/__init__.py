"""Model packs: what a pack is, which ones there are, how one is installed, checked and run."""

from inference.models.install import install_pack
from inference.models.manifest import Manifest, load_manifest
from inference.models.registry import Pack, find_pack, list_packs
from inference.models.runners import (
    Runtime,
    Runtimes,
    contract_of,
    open_detector,
    open_embedder,
    resolve_runtimes,
)
from inference.models.verify import Problem, verify_pack

__all__ = [
    "Manifest",
    "Pack",
    "Problem",
    "Runtime",
    "Runtimes",
    "contract_of",
    "find_pack",
    "install_pack",
    "list_packs",
    "load_manifest",
    "open_detector",
    "open_embedder",
    "resolve_runtimes",
    "verify_pack",
]
