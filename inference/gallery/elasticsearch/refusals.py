"""What the Elasticsearch client and its server complain about, as errors of ours."""

from __future__ import annotations

from collections.abc import Mapping

from inference.errors import (
    GalleryAccessError,
    GalleryReadOnlyError,
    GalleryServerError,
    GalleryTlsError,
    GalleryUnavailableError,
    SetupError,
)

_BUSY = frozenset({408, 429, 502, 503, 504})
_DOWN = frozenset({502, 503, 504})


class ConflictError(Exception):
    """Somebody else has changed the document meanwhile."""


class RefusedError(Exception):
    """The server understood, and says no: mostly a bug of ours."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class UnreachableError(GalleryUnavailableError):
    """The cluster does not answer, or not as a whole: what the circuit breaker counts."""


class Refusals:
    """Errors of ours for those of the cluster at that address."""

    def __init__(self, address: str) -> None:
        self._address = address

    def of(self, error: Exception) -> Exception | None:
        """Ours for one of the client's; None for one that is a bug."""
        import aiohttp  # noqa: PLC0415
        import elastic_transport  # noqa: PLC0415
        import elasticsearch  # noqa: PLC0415

        if isinstance(error, elasticsearch.UnsupportedProductError):
            return GalleryServerError(
                address=self._address,
                reason="it is something else than Elasticsearch",
                fix="Check elasticsearch.url.",
            )
        if isinstance(error, elasticsearch.ApiError):
            body = error.body if isinstance(error.body, dict) else {}
            return self.by_status(error.meta.status, body.get("error") or error.message)
        if isinstance(error, elastic_transport.TlsError) or _is_about_certificates(error):
            return GalleryTlsError(address=self._address, reason=_brief(error))
        if isinstance(error, elastic_transport.TransportError):  # also answers that are no JSON
            behind = error.__context__  # the client keeps it nowhere else
            if isinstance(behind, aiohttp.ServerFingerprintMismatch):
                reason = f"its certificate has the fingerprint {behind.got.hex()}"
                return GalleryTlsError(address=self._address, reason=reason)
            return UnreachableError(reason=f"{self._address}: {_brief(error)}")
        return None

    def by_status(self, status: int, error: object) -> Exception:
        """What the server's own error means."""
        kind, reason = _kind_and_reason(error)
        if status == 409:
            return ConflictError(reason)
        return (
            self._passing(status, kind, reason)
            or self._lasting(status, kind, reason)
            or RefusedError(kind, f"status {status}: {kind}: {reason}")
        )

    def _passing(self, status: int, kind: str, reason: str) -> GalleryUnavailableError | None:
        """What may be over in a while."""
        if kind == "cluster_block_exception":
            if "state not recovered" in reason or "no master" in reason:
                return UnreachableError(reason=f"{self._address} is starting: {reason}")
            full = "flood-stage" in reason or "read-only-allow-delete" in reason
            advice = ", its disk is nearly full; make room, then it recovers by itself" if full else ""
            return GalleryReadOnlyError(reason=f"{self._address} is read-only ({reason}){advice}")
        if status in _BUSY or kind in ("no_shard_available_action_exception", "unavailable_shards_exception"):
            made = UnreachableError if status in _DOWN else GalleryUnavailableError
            return made(reason=f"{self._address}: {reason or f'status {status}'}")
        return None

    def _lasting(self, status: int, kind: str, reason: str) -> SetupError | None:
        """What the operator has to change."""
        if status in (401, 403):
            return GalleryAccessError(address=self._address, reason=reason)
        if status in (400, 406) and "media_type" in kind:
            return GalleryServerError(
                address=self._address,
                reason="it does not speak our version of the protocol",
                fix="Dareda needs Elasticsearch 8.18 or newer, or 9.",
            )
        return None


def _kind_and_reason(error: object) -> tuple[str, str]:
    if not isinstance(error, Mapping):
        return "", str(error)[:300]
    causes = [
        error,
        *(error.get("root_cause") or []),
        *(f["reason"] for f in error.get("failed_shards") or []),
    ]
    kinds = [str(cause.get("type", "")) for cause in causes]
    reasons = [str(cause.get("reason", "")) for cause in causes]
    telling = next(
        (i for i, kind in enumerate(kinds) if kind not in ("", "search_phase_execution_exception")), 0
    )
    return kinds[telling], reasons[telling][:300]


def _is_about_certificates(error: Exception) -> bool:
    text = str(error).lower()
    return "certificate" in text or "[ssl" in text


def _brief(error: Exception) -> str:
    """Its first line, without the client's own decoration."""
    return (str(getattr(error, "message", "")) or str(error) or type(error).__name__).splitlines()[0][:200]
