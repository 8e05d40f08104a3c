"""What kind of audio a file is, by its first bytes: what a sender calls it proves nothing."""

SUFFIXES = {
    "audio/wav": ".wav",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".ogg",
    "audio/flac": ".flac",
    "audio/mp4": ".m4a",
    "audio/webm": ".webm",
    "audio/amr": ".amr",
}
"""The types that are taken, each with the ending recognisers know it by."""


def media_type(audio: bytes) -> str | None:
    """The media type by the file's signature; None where it is none of `SUFFIXES`."""
    head = audio[:12]
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "audio/wav"
    if head[4:8] == b"ftyp":
        return "audio/mp4"
    for signature, found in (
        (b"ID3", "audio/mpeg"),
        (b"OggS", "audio/ogg"),
        (b"fLaC", "audio/flac"),
        (b"\x1a\x45\xdf\xa3", "audio/webm"),
        (b"#!AMR", "audio/amr"),
    ):
        if head.startswith(signature):
            return found
    return "audio/mpeg" if _is_mpeg_frame(head) else None


def _is_mpeg_frame(head: bytes) -> bool:
    """Eleven set bits, then a version, layer, bit rate and sampling rate that exist (ISO/IEC 11172-3, 2.4.1.3)."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer, rate, sampling = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    return version != 1 and layer != 0 and rate not in (0, 15) and sampling != 3
