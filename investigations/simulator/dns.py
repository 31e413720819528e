"""The simulated resolver: UDP and TCP on one loopback port, faults and latency included."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from threading import Event, Thread

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from investigations.simulator.faults import Fault, Faults
from investigations.simulator.journal import DnsQuery, Journal
from investigations.simulator.zones import Zone, look_up

TTL = 60
RECEIVE_BUFFER = 4 * 1024 * 1024  # bytes; a burst of questions must not be lost before it is read
PORT_ATTEMPTS = 20
PUBLIC_RESOLVER, EXCESSIVE = "127.255.255.254", "127.255.255.255"  # Spamhaus refuses with an answer
REFUSALS = {"public_resolver": PUBLIC_RESOLVER, "rate_limit": EXCESSIVE}
Send = Callable[[bytes], None]


class DnsServer:
    """Answers DNS questions from a thread of its own until `close`."""

    def __init__(self, host: str, port: int, faults: Faults, journal: Journal) -> None:
        self.faults = faults
        self.journal = journal
        self._udp, self._tcp = _bind(host, port)
        self.port: int = self._udp.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._ready = Event()
        self._thread = Thread(target=self._run, name="simulator-dns", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def receive(self, wire: bytes, send: Send) -> None:
        """Answer one message by calling `send`, now, later or never."""
        try:
            query = dns.message.from_wire(wire)
            zone = self._record(query)
        except (dns.exception.DNSException, IndexError):
            return  # noise on the port, not a question
        fault = self.faults.strike(zone.provider)
        if fault and fault.kind in ("drop", "timeout"):
            return
        answer = _spoil(query, zone, fault) if fault else respond(query, zone)
        delay = self.faults.delay(zone.provider)
        if delay:
            self._loop.call_later(delay, send, answer)
        else:
            send(answer)

    def _record(self, query: dns.message.Message) -> Zone:
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        zone = look_up(name)
        self.journal.record(zone.provider, zone.value, name)
        self.journal.record_dns(DnsQuery(name, dns.rdatatype.to_text(question.rdtype)))
        return zone

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
            self._ready.set()
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._end())
            self._loop.close()

    async def _serve(self) -> None:
        self._transport, _ = await self._loop.create_datagram_endpoint(lambda: _Udp(self), sock=self._udp)
        self._server = await asyncio.start_server(self._converse, sock=self._tcp)

    async def _end(self) -> None:
        self._transport.close()
        self._server.close()
        current = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not current]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One TCP connection: messages with two bytes of length before each."""

        def send(wire: bytes) -> None:
            if not writer.is_closing():
                writer.write(len(wire).to_bytes(2, "big") + wire)

        try:
            while True:
                length = int.from_bytes(await reader.readexactly(2), "big")
                self.receive(await reader.readexactly(length), send)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self.server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.server.receive(data, lambda wire: self.transport.sendto(wire, addr))


def respond(query: dns.message.Message, zone: Zone) -> bytes:
    """The true answer: records, an empty answer (no record of that type), or NXDOMAIN."""
    response = _response(query)
    if zone.records is None:
        response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()
    question = query.question[0]
    kind = dns.rdatatype.to_text(question.rdtype)
    if records := zone.records.get(kind):
        quoted = [f'"{text}"' for text in records] if kind == "TXT" else records
        response.answer.append(dns.rrset.from_text_list(question.name, TTL, "IN", kind, quoted))
    return response.to_wire()


def _spoil(query: dns.message.Message, zone: Zone, fault: Fault) -> bytes:
    """The answer of a resolver or a list that has something against us."""
    if fault.kind == "truncated":
        whole = respond(query, zone)
        return whole[: len(whole) * 2 // 3]
    if zone.provider == "spamhaus" and fault.kind in REFUSALS:
        refusal = {"A": (REFUSALS[fault.kind],), "TXT": ("Error: see https://www.spamhaus.org/returnc/",)}
        return respond(query, zone._replace(records=refusal))
    response = _response(query)
    failed = fault.kind in ("servfail", "error")
    response.set_rcode(dns.rcode.SERVFAIL if failed else dns.rcode.REFUSED)
    return response.to_wire()


def _response(query: dns.message.Message) -> dns.message.Message:
    response = dns.message.make_response(query, recursion_available=True)
    response.flags |= dns.flags.RA
    return response


def _bind(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """One UDP and one TCP socket on the same port; with port 0 on any port that is free for both."""
    for attempt in range(PORT_ATTEMPTS):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            udp.bind((host, port))
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind(udp.getsockname())
            udp.setblocking(False)
            tcp.setblocking(False)
            return udp, tcp
        except OSError:
            udp.close()
            tcp.close()
            if port or attempt == PORT_ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt returns or raises")
