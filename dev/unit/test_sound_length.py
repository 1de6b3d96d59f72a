"""How long a sound file is, by itself: real files, and what may be wrong with them."""

import io
import wave

import pytest

from fake_pbx.sound import CHIME, CHIME_SECONDS, mp3
from telephony.sound_length import seconds_of


def seconds(data):
    return seconds_of(io.BytesIO(data), len(data))


def a_wav(length, rate=8000):
    into = io.BytesIO()
    with wave.open(into, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"\0\0" * rate * length)
    return into.getvalue()


def test_a_wav_file():
    assert seconds(a_wav(34)) == 34
    assert seconds(a_wav(7, rate=16000)) == 7
    assert seconds(a_wav(0)) == 0


def test_a_wav_file_that_was_not_closed():
    """Its header was written before its length was known."""
    whole = a_wav(5)
    at = whole.index(b"data") + 4
    for length in (b"\0" * 4, b"\xff" * 4):
        assert seconds(whole[:at] + length + whole[at + 4 :]) == 5


def test_a_wav_file_with_another_chunk_before_its_sound():
    whole = a_wav(5)
    at = whole.index(b"data")
    assert seconds(whole[:at] + b"LIST\3\0\0\0abc\0" + whole[at:]) == 5


@pytest.mark.parametrize("length", [2, 21, 600])
def test_an_mp3_file(length):
    frames = max(1, round(length / CHIME_SECONDS)) * CHIME_SECONDS
    assert abs(seconds(mp3("A title", length)) - frames) <= 1
    assert seconds(CHIME) == round(CHIME_SECONDS)


def test_an_mp3_file_with_a_long_title():
    """A picture of the sender, perhaps: the sound begins behind what is read first."""
    assert abs(seconds(mp3("t" * 9000, 60)) - 60) <= 2


def test_an_mp3_file_whose_frames_differ():
    # MPEG 1, layer III, 44,100 Hz, two channels; 1,000 frames of 1,152 samples.
    head = (
        b"\xff\xfb\x90\x00" + b"\0" * 32 + b"Xing\0\0\0\1" + (1000).to_bytes(4, "big")
    )
    assert seconds(head + b"\0" * 100) == 26


@pytest.mark.parametrize(
    "data",
    [b"", b"RIFF", b"RIFF\x24\0\0\0WAVEfmt ", b"OggS" + b"\0" * 90, b"ID3\3\0\0\0\0",
     b"\xff\xfb", b"\xff\xfb\xf0\x00", b"RIFF\x24\0\0\0WAVEdata\4\0\0\0abcd"],
)  # fmt: skip
def test_what_says_nothing(data):
    assert seconds(data) == 0
