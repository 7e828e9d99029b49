"""Which indices a gallery in Elasticsearch has, and what their documents may hold.

Everything is mapped explicitly and strictly. What is only read back is neither indexed nor kept in columns.
Nothing here needs a plugin, a script or an analyser: names are folded (NFKC, case, width) before they get
here, by the same function as in the embedded gallery.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from inference.domain import EmbeddingContract

SCHEMA_VERSION = 1
"""Of the mappings and of the head; another one is another kind of gallery."""

VectorIndex = Literal["int8_hnsw", "flat", "bbq_hnsw"]

_KEYWORD = {"type": "keyword"}
_LONG = {"type": "long"}
_KEPT = {"type": "keyword", "index": False, "doc_values": False}
_KEPT_NUMBER = {"type": "long", "index": False, "doc_values": False}
_ANYTHING = {"type": "object", "enabled": False}

_CHARACTER = {
    "scope": _KEYWORD,
    "names": _KEPT,  # the name, then the aliases
    "name_key": _KEYWORD,  # of the name, to sort by
    "keys": _KEYWORD,  # of all names, to find by
    "pairs": _KEYWORD,  # of letters of the keys, for suggestions
    "series": _KEPT,
    "series_key": _KEYWORD,
    "samples": _KEPT,  # ids of her faces, oldest first
    "negatives": _KEPT,
    "sample_count": _KEPT_NUMBER,
    "written": _LONG,
}

_AUDIT = {
    "id": _LONG,
    "at": _KEPT,
    "scope": _KEYWORD,
    "actor": _KEYWORD,
    "action": _KEYWORD,
    "detail": _ANYTHING,
    "delta": _ANYTHING,  # while it can be taken back
    "undo_from_us": _LONG,  # microseconds since 1970; only where there is a delta
    "delta_characters": _KEYWORD,
    "undone_by": _LONG,
}

_META = {"state": _ANYTHING}


@dataclass(frozen=True, slots=True)
class IndexNames:
    """The indices of one gallery."""

    prefix: str

    @property
    def characters(self) -> str:
        return f"{self.prefix}-characters"

    @property
    def audit(self) -> str:
        return f"{self.prefix}-audit"

    @property
    def meta(self) -> str:
        """The head, and what is being written."""
        return f"{self.prefix}-meta"

    @property
    def faces_alias(self) -> str:
        """Always the faces under the active contract."""
        return f"{self.prefix}-faces"

    def faces(self, contract_id: str) -> str:
        """The faces under one contract."""
        return f"{self.faces_alias}-{contract_id}"

    @property
    def everything(self) -> str:
        return f"{self.prefix}-*"


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """How the indices are kept."""

    vector_index: VectorIndex = "int8_hnsw"
    refresh_ms: int = 100
    """How long what was written may take to be seen by searches; who writes waits for it."""

    def template(self, index: str, properties: Mapping[str, object], **mappings: object) -> dict[str, Any]:
        """The body of the index template that belongs to one index."""
        return {
            "index_patterns": [index],
            "priority": 500,
            "version": SCHEMA_VERSION,
            "template": {
                "settings": {
                    "number_of_shards": 1,
                    "auto_expand_replicas": "0-1",
                    "refresh_interval": f"{self.refresh_ms}ms",
                    # A change that is written a second time much later must not bring back what is deleted.
                    "gc_deletes": "1h",
                    # Each segment is searched for itself, and who enrolls by hand writes many small ones.
                    "merge.policy.floor_segment": "64mb",
                    # Who asks to be forgotten wants it soon, however little it is.
                    "merge.policy.expunge_deletes_allowed": 0,
                    "merge.policy.segments_per_tier": 6,
                },
                "mappings": {
                    "dynamic": "strict",
                    "_meta": {"dareda": SCHEMA_VERSION},
                    "properties": properties,
                    **mappings,
                },
            },
        }

    def shared_templates(self, names: IndexNames) -> Iterator[tuple[str, dict[str, Any]]]:
        """The indices that there is one of, with their templates."""
        for index, properties in (
            (names.meta, _META),
            (names.characters, _CHARACTER),
            (names.audit, _AUDIT),
        ):
            yield index, self.template(index, properties)

    def faces_template(self, names: IndexNames, contract: EmbeddingContract) -> tuple[str, dict[str, Any]]:
        index = names.faces(contract.id)
        properties = {
            "scope": _KEYWORD,  # missing while the face is removed, but can still come back
            "character": _KEYWORD,
            "negative": {"type": "boolean"},
            "removed_by": _KEPT_NUMBER,
            "content_hash": _KEYWORD,
            "perceptual_hash": {"type": "keyword", "index": False},
            "added_by": _KEYWORD,
            "added_at": _KEPT,
            "source": _KEPT,
            "box": {"type": "double", "index": False, "doc_values": False},
            "crop": {"type": "binary"},
            "vector": {"type": "binary"},  # little-endian float32: what is read back, exactly as it came
            "seq": _LONG,  # the order in which faces came
            "written": _LONG,  # the commit that wrote it last
            "embedding": {
                "type": "dense_vector",
                "dims": contract.dimension,
                "index": True,
                "similarity": "cosine",
                "index_options": {"type": self.vector_index},
            },
        }
        # The embedding is only searched, so its 512 numbers in words need not be kept beside the vector.
        return index, self.template(index, properties, _source={"excludes": ["embedding"]})


def is_quantised(vector_index: VectorIndex) -> bool:
    """True when searches compare shortened vectors first, so the best must be compared again."""
    return vector_index != "flat"
