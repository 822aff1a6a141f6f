"""The letters of the invisible watermark: a 64-bit number as bits that are found again when many of them are lost.

A checksum, then a convolutional code (constraint length 7, rate 1/4, the generators that are optimal for it: Larsen, 1973), read by the
Viterbi algorithm from soft values: how sure each bit is counts, not only which it is.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

NUMBER_BITS, SUM_BITS, TAIL = 64, 24, 6
GENERATORS = (0o117, 0o127, 0o155, 0o171)
RATE = len(GENERATORS)
LENGTH = (NUMBER_BITS + SUM_BITS + TAIL) * RATE

STATES = 1 << TAIL
# What the coder says (+1 or -1, four values) for each register: the newest bit at its top, the six before it below.
_SAID = np.array([[1 - 2 * ((register & each).bit_count() & 1) for each in GENERATORS] for register in range(2 * STATES)], np.float32)
# A register's upper six bits are the next state; the two registers that lead to a state, and the states they come from.
_REGISTERS = np.arange(2 * STATES).reshape(STATES, 2)
_BEFORE = _REGISTERS & (STATES - 1)


def written(number: int) -> NDArray[np.float32]:
    """A number below 2^64 as `LENGTH` values of +1 and -1."""
    whole = (number << SUM_BITS | _sum(number)) << TAIL
    register, said = 0, []
    for place in reversed(range(NUMBER_BITS + SUM_BITS + TAIL)):
        register = (whole >> place & 1) << TAIL | register >> 1
        said.append(_SAID[register])
    return np.concatenate(said)


def read(soft: NDArray[np.float32]) -> int | None:
    """The number that these `LENGTH` values most likely say; None when its checksum is wrong."""
    score = np.full(STATES, -1e9, np.float32)
    score[0] = 0
    chosen = np.zeros((len(soft) // RATE, STATES), np.uint8)
    for step, heard in enumerate(soft.reshape(-1, RATE)):
        each = score[_BEFORE] + (_SAID @ heard)[_REGISTERS]
        chosen[step] = each.argmax(axis=1)
        score = each.max(axis=1)
    state, whole = 0, 0
    for step in reversed(range(len(chosen))):
        register = 2 * state + int(chosen[step, state])
        whole |= (register >> TAIL) << (len(chosen) - 1 - step)
        state = register & (STATES - 1)
    number, told = whole >> TAIL + SUM_BITS, whole >> TAIL & (1 << SUM_BITS) - 1
    return number if _sum(number) == told else None


def _sum(number: int) -> int:
    return zlib.crc32(number.to_bytes(NUMBER_BITS // 8)) >> 32 - SUM_BITS
