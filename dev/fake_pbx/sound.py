"""Recordings: real MP3 files, as long as the talk was."""

from pathlib import Path

CHIME = (Path(__file__).parent / "data" / "chime.mp3").read_bytes()
CHIME_SECONDS = 2.16
LONGEST_SECONDS = 3600


def mp3(title, seconds):
    """Return the bytes of an MP3 with a title that lasts about so long.

    The frames of the chime are all of one size, so repeating them is a valid file.
    """
    text = b"\x03" + title.encode()
    frame = b"TIT2" + len(text).to_bytes(4, "big") + b"\0\0" + text
    size = len(frame)
    synchsafe = bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
    seconds = min(max(seconds, 1), LONGEST_SECONDS)
    times = max(1, round(seconds / CHIME_SECONDS))
    return b"ID3\x03\0\0" + synchsafe + frame + CHIME * times
