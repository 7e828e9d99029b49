"""Model packs: what a pack is, which ones there are, how one is installed, checked and run."""

from inference.models.manifest import Manifest, load_manifest
from inference.models.registry import Pack, find_pack, list_packs
from inference.models.runners import contract_of, open_detector, open_embedder
from inference.models.runtimes import Runtime, Runtimes, resolve_runtimes
from inference.models.verify import Problem, verify_pack

__all__ = [
    "Manifest",
    "Pack",
    "Problem",
    "Runtime",
    "Runtimes",
    "contract_of",
    "find_pack",
    "list_packs",
    "load_manifest",
    "open_detector",
    "open_embedder",
    "resolve_runtimes",
    "verify_pack",
]
