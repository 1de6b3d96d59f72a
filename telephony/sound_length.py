"""How long a sound file is, by what its first bytes say of it."""

# Enough for the chunks before a WAV file's sound, or for the first frame of an MP3.
_HEAD_BYTES = 4096
# Kilobits per second by a frame's index, of layer III; by the version of MPEG.
_KILOBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KILOBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
# Samples per second by a frame's index, of MPEG 1; 2 has half of it, 2.5 a quarter.
_RATES = (44100, 48000, 32000)
_MPEG_1, _MPEG_2 = 3, 2
_LAYER_3 = 1
_ONE_CHANNEL = 3


def seconds_of(file, size):
    """Return the length in whole seconds; 0 where it is not known.

    :param file: a binary file that can be read and searched.
    :param int size: its bytes.
    """
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return round(_wav_seconds(head, size))
    start = 0
    if head[:3] == b"ID3" and len(head) >= 10:
        start = 10 + sum(
            (byte & 0x7F) << 7 * (3 - i) for i, byte in enumerate(head[6:10])
        )
        file.seek(start)
        head = file.read(_HEAD_BYTES)
    return round(_mp3_seconds(head, size - start))


def _number(piece):
    return int.from_bytes(piece, "little")


def _wav_seconds(head, size):
    place, bytes_per_second = 12, 0
    while place + 8 <= len(head):
        name, length = head[place : place + 4], _number(head[place + 4 : place + 8])
        place += 8
        if name == b"fmt ":
            bytes_per_second = _number(head[place + 8 : place + 12])
        elif name == b"data":
            # One that is written while it is sent says too much, or nothing.
            left = max(size - place, 0)
            length = min(length, left) if length else left
            return length / bytes_per_second if bytes_per_second else 0
        place += length + length % 2
    return 0


def _mp3_seconds(head, size):
    """Return the seconds of an MP3 without its tag.

    By the number of its frames where the first one says it, as it does where frames
    differ; else they are all as the first one.
    """
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bitrate, rate = head[2] >> 4, head[2] >> 2 & 3
    if layer != _LAYER_3 or version == 1 or rate == 3 or bitrate in (0, 15):
        return 0
    is_first = version == _MPEG_1
    rate = _RATES[rate] // (1 if is_first else 2 if version == _MPEG_2 else 4)
    is_mono = head[3] >> 6 == _ONE_CHANNEL
    side = (17 if is_mono else 32) if is_first else (9 if is_mono else 17)
    header = head[4 + side : 4 + side + 12]
    if header[:4] in (b"Xing", b"Info") and len(header) == 12 and header[7] & 1:
        samples = 1152 if is_first else 576
        return int.from_bytes(header[8:12], "big") * samples / rate
    kilobits = (_KILOBITS_1 if is_first else _KILOBITS_2)[bitrate]
    return size * 8 / (kilobits * 1000)
