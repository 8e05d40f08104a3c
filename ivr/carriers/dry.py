"""A dialler that rings nobody: what stands where no carrier is chosen to place calls."""

import logging
from uuid import uuid4

from ivr.carriers.base import NotDone

log = logging.getLogger(__name__)

DRY = "dry-"


class DryDialler:
    """Logs what it would do, without the number, and places nothing. Its calls have ids that begin with `dry-`."""

    async def call(
        self, to: str, flow_url: str, seconds: int = 30, *, status_url: str | None = None, detect_machine: bool = False
    ) -> str:
        """Ring nobody."""
        del status_url, detect_machine
        call_sid = f"{DRY}{uuid4()}"
        log.info("dry run: a call", extra={"call": call_sid, "to": f"{to[:4]}…", "flow": flow_url, "seconds": seconds})
        return call_sid

    async def redirect(self, call_sid: str, url: str) -> None:
        """Leave the call where it is."""
        log.info("dry run: a call goes on elsewhere", extra={"call": call_sid, "flow": url})

    async def hang_up(self, call_sid: str) -> None:
        """Leave the call."""
        log.info("dry run: a call is ended", extra={"call": call_sid})

    async def fetch_recording(self, url: str) -> bytes:
        """There is none."""
        raise NotDone(f"dry run: no recording is fetched from {url[:80]}", permanent=True)

    async def delete_recording(self, sid: str) -> None:
        """There is none."""
        log.info("dry run: a recording is deleted", extra={"recording": sid})
