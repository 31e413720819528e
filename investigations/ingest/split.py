"""Bytes to records: NDJSON, arrays, `{"events": [...]}`, pretty-printed objects; linear time, bounded memory.

What follows the last record decides: a `[` opens an array, `{"events": [` a wrapped one, everything else is a line.
A record that is too large is passed over without being kept; what comes before and after it is not affected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

MAX_RECORD = 1024 * 1024  # bytes of one record
LOOKAHEAD = 64  # bytes that tell an array or a wrapper from a line

_BLANK = re.compile(rb"(?:[\s,]|\xef\xbb\xbf)*+")
_ARRAY = re.compile(rb"\[(?=\s*[\{\]])")
_WRAPPER = re.compile(rb'\{\s*"(?:events|alerts|records)"\s*:\s*\[(?=\s*[\{\]])')
_JUNK = re.compile(rb"[^\{\[\]]++")
# From anywhere outside a string to the next bracket, over whole strings: one match, no backtracking.
_TO_BRACKET = re.compile(rb'[^"{}\[\]]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"{}\[\]]*+)*+[{}\[\]]', re.DOTALL)
_TO_QUOTE = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_TO_QUOTE_OR_BRACKET = re.compile(rb'[^"{}\[\]]*+')


class Piece(NamedTuple):
    """One record as it came, or the reason why there is none; "line 7" or "record 7" counts from 1."""

    data: bytes
    unit: str
    number: int
    error: str = ""


class Splitter:
    """Feed it chunks of any size; it hands over every record as soon as the record is complete."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []  # what has not been used yet
        self._size = 0
        self._wanted = 0  # grows with an unfinished record, so that it is not scanned again for every small chunk
        self._buffer = b""
        self._at = 0
        self._stalled = False
        self._line = 1
        self._record = 0
        self._number = 0  # of the record at hand
        self._depth = 0
        self._scanned = 0  # bytes of an unfinished record that are known
        self._dropped = 0  # bytes of a record that is too large
        self._quoted = False
        self._wrapped = False
        self._state: Callable[[bool], Iterator[Piece]] = self._between
        self._return_to: Callable[[bool], Iterator[Piece]] = self._between

    def feed(self, chunk: bytes, last: bool = False) -> Iterator[Piece]:
        """The records that are complete now; an empty chunk forces a look at what is there, `last` ends the input."""
        self._parts.append(chunk)
        self._size += len(chunk)
        if chunk and not last and self._size < self._wanted:
            return
        self._buffer, self._at, self._stalled = b"".join(self._parts), 0, False
        while not self._stalled and self._at < len(self._buffer):
            yield from self._state(last)
        self._parts = [self._buffer[self._at :]]
        self._size = len(self._parts[0])
        self._wanted = self._size + self._size // 2
        if last:
            yield from self._end()

    def _end(self) -> Iterator[Piece]:
        if self._dropped:
            yield self._too_large(self._dropped)
        elif self._state == self._in_array:
            yield Piece(b"", "record", self._record + 1, "missing: the array is cut off here")

    def _advance(self, to: int) -> None:
        self._line += self._buffer.count(b"\n", self._at, to)
        self._at = to

    def _between(self, last: bool) -> Iterator[Piece]:
        """At the top level, at the start of a record."""
        buffer = self._buffer
        while self._state == self._between and not self._stalled:
            blank = _BLANK.match(buffer, self._at)
            self._advance(blank.end() if blank else self._at)
            if self._at == len(buffer):
                return
            if opening := _ARRAY.match(buffer, self._at) or _WRAPPER.match(buffer, self._at):
                self._wrapped = buffer.startswith(b"{", self._at)
                self._record = 0
                self._state = self._in_array
                self._advance(opening.end())
            else:
                yield from self._take_line(last)

    def _take_line(self, last: bool) -> Iterator[Piece]:
        buffer, start = self._buffer, self._at
        end = buffer.find(b"\n", start)
        if end < 0 and not last:
            yield from self._wait_for_line()
            return
        end = len(buffer) if end < 0 else end
        line = buffer[start:end].rstrip()
        if line[-1:] in (b"{", b"[", b",") and buffer.startswith((b"{", b"["), start):
            if not last and len(buffer) - start < LOOKAHEAD + len(line):
                self._stalled = True
                return
            if buffer[end + 1 : end + 2] in (b" ", b"\t", b'"', b"}", b"\r"):
                self._begin_record(self._between)
                return
        self._number, self._return_to = self._line, self._between
        self._at, self._line = min(end + 1, len(buffer)), self._line + 1
        yield self._piece(line)

    def _wait_for_line(self) -> Iterator[Piece]:
        size = len(self._buffer) - self._at
        if size > MAX_RECORD:
            self._number, self._return_to = self._line, self._between
            self._dropped, self._at, self._state = size, len(self._buffer), self._passing_line
        self._stalled = True
        yield from ()

    def _passing_line(self, last: bool) -> Iterator[Piece]:
        """In a line that is too large."""
        end = self._buffer.find(b"\n", self._at)
        stop = len(self._buffer) if end < 0 else end
        self._dropped += stop - self._at
        self._at = stop
        if end >= 0:
            self._state = self._between
            yield self._too_large(self._dropped)

    def _in_array(self, last: bool) -> Iterator[Piece]:
        """Between two records of an array."""
        blank = _BLANK.match(self._buffer, self._at)
        self._advance(blank.end() if blank else self._at)
        next_byte = self._buffer[self._at : self._at + 1]
        if next_byte == b"]":
            self._leave_array()
        elif next_byte in (b"{", b"["):
            self._begin_record(self._in_array)
        elif junk := _JUNK.match(self._buffer, self._at):
            if junk.end() == len(self._buffer) and not last and junk.end() - self._at < LOOKAHEAD:
                self._stalled = True
                return
            self._number = self._record = self._record + 1
            self._advance(junk.end())
            yield Piece(b"", "record", self._number, "not a JSON object")

    def _leave_array(self) -> None:
        self._advance(self._at + 1)
        self._state = self._between
        if self._wrapped:
            self._depth, self._quoted, self._return_to, self._state = 1, False, self._between, self._passing_record

    def _begin_record(self, return_to: Callable[[bool], Iterator[Piece]]) -> None:
        if return_to == self._in_array:
            self._record += 1
        self._number = self._record if return_to == self._in_array else self._line
        self._depth = self._scanned = 0
        self._return_to, self._state = return_to, self._in_record

    def _in_record(self, last: bool) -> Iterator[Piece]:
        """In an object or array, up to the bracket that closes it."""
        buffer, depth, scan = self._buffer, self._depth, self._at + self._scanned
        while match := _TO_BRACKET.match(buffer, scan):
            scan = match.end()
            depth += 1 if buffer[scan - 1] in b"{[" else -1
            if depth == 0:
                break
        self._depth, self._scanned = depth, scan - self._at
        if depth == 0:
            yield self._finish_record(scan)
        elif len(buffer) - self._at > MAX_RECORD:
            self._dropped, self._quoted, self._state = self._scanned, False, self._passing_record
            self._advance(scan)
        else:
            self._stalled = True
            if last:
                yield self._finish_record(len(buffer))
                self._state = self._between  # the end of this record was the end of everything

    def _finish_record(self, end: int) -> Piece:
        data = self._buffer[self._at : end]
        self._advance(end)
        self._state = self._return_to
        return self._piece(data)

    def _passing_record(self, last: bool) -> Iterator[Piece]:
        """In a record that is too large, or in what follows the array of a wrapper."""
        start, size = self._at, len(self._buffer)
        while self._at < size and self._depth > 0:
            pattern = _TO_QUOTE if self._quoted else _TO_QUOTE_OR_BRACKET
            match = pattern.match(self._buffer, self._at)
            self._advance(match.end() if match else self._at)
            mark = self._buffer[self._at : self._at + 1]
            if mark == b"\\":
                # A backslash at the end: the character that it escapes is still to come.
                self._stalled = True
                break
            self._quoted ^= mark == b'"'
            self._depth += (mark in (b"{", b"[")) - (mark in (b"}", b"]"))
            self._at += len(mark)
        dropped = self._dropped > 0
        self._dropped += self._at - start if dropped else 0
        if self._depth <= 0:
            self._state = self._return_to
            if dropped:
                yield self._too_large(self._dropped)

    def _piece(self, data: bytes) -> Piece:
        if len(data) > MAX_RECORD:
            return self._too_large(len(data))
        return Piece(data, self._unit(), self._number)

    def _too_large(self, size: int) -> Piece:
        self._dropped = 0
        error = f"larger than the limit of {MAX_RECORD:,} bytes: {size:,} bytes"
        return Piece(b"", self._unit(), self._number, error)

    def _unit(self) -> str:
        return "record" if self._return_to == self._in_array else "line"
