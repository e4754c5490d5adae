"""The hourly points of each token, as GitHub counts them: a full bucket at the first use, full again an hour later."""

import time
from dataclasses import dataclass, field

from contrib_pipeline.sandbox import instants

HOUR = 3600


@dataclass(frozen=True)
class RateLimit:
    """What a token has left after a request that cost ``cost`` points and reached ``node_count`` nodes."""

    limit: int
    used: int
    reset_at: str
    cost: int = 0
    node_count: int = 0

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    def headers(self, resource: str) -> dict[str, str]:
        """The same in headers, where the reset is in seconds since 1970."""
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-used": str(self.used),
            "x-ratelimit-reset": str(instants.seconds(self.reset_at)),
            "x-ratelimit-resource": resource,
        }


@dataclass
class _Bucket:
    reset: float
    used: int = 0


@dataclass
class Quota:
    """The buckets of one resource (``graphql`` or ``core``), one for each token."""

    limit: int
    _buckets: dict[str, _Bucket] = field(default_factory=dict)

    def charge(self, token: str, cost: int, nodes: int = 0) -> RateLimit | None:
        """Take ``cost`` from the token's points; None, and nothing taken, where fewer are left."""
        bucket = self._bucket(token)
        if bucket.used + cost > self.limit:
            return None
        bucket.used += cost
        return RateLimit(self.limit, bucket.used, instants.text(bucket.reset), cost, nodes)

    def state(self, token: str) -> RateLimit:
        """What the token has left."""
        bucket = self._bucket(token)
        return RateLimit(self.limit, bucket.used, instants.text(bucket.reset))

    def _bucket(self, token: str) -> _Bucket:
        bucket = self._buckets.get(token)
        if bucket is None or bucket.reset <= time.time():
            bucket = self._buckets[token] = _Bucket(reset=time.time() + HOUR)
        return bucket
