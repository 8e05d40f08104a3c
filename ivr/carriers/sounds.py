"""The music while waiting: a calm chord progression, computed once when it is first asked for."""

import io
import math
import wave
from array import array
from functools import lru_cache

RATE = 8000
"""Samples a second: what a telephone carries."""
SECONDS_A_CHORD = 1.5
LOUDNESS = 0.22
"""Of full scale: music that does not startle who waits."""
# C, A minor, F, G in the middle octave, in hertz.
CHORDS = ((261.63, 329.63, 392.00), (220.00, 261.63, 329.63), (174.61, 220.00, 261.63), (196.00, 246.94, 293.66))
SOUNDS = ("music",)


@lru_cache(maxsize=1)
def music() -> bytes:
    """The music as a WAV file: 16 bits, mono, 8 kHz, 96 KB; its end fits its beginning."""
    samples = array("h")
    length = int(RATE * SECONDS_A_CHORD)
    for chord in CHORDS:
        for i in range(length):
            swell = math.sin(math.pi * i / length)  # Each chord comes and goes, so that no edge clicks.
            tone = sum(math.sin(math.tau * note * i / RATE) for note in chord) / len(chord)
            samples.append(int(32767 * LOUDNESS * swell * tone))
    return wav(samples.tobytes(), RATE)


def wav(pcm: bytes, rate: int) -> bytes:
    """Samples of 16 bits, one channel, as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(pcm)
    return file.getvalue()
