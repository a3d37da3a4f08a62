#!/usr/bin/env python3
"""relay.py INTERFACE INTERFACE DELAY-MS LOSS-PERCENT PID-FILE: passes packets between two interfaces, late and not all.

For kernels without sch_netem. Packets are read with their offload header, so that unfinished checksums and segments
stay what they are; one of up to 64 KiB is lost or kept as a whole.
"""
import collections
import os
import random
import select
import socket
import sys
import time

SOL_PACKET, PACKET_VNET_HDR = 263, 15
ETH_P_ALL = 3
FRAME_BYTES_MAX = 65536 + 64

delay_s, loss = float(sys.argv[3]) / 1e3, float(sys.argv[4]) / 1e2


def open_interface(name):
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    link.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    link.bind((name, ETH_P_ALL))
    link.setblocking(False)
    return link


first, second = open_interface(sys.argv[1]), open_interface(sys.argv[2])
other_end = {first: second, second: first}
waiting = collections.deque()  # (when, where to, frame); all wait equally long, so the first is due first
chance = random.Random(1)

with open(sys.argv[5] + ".new", "w", encoding="ascii") as pid_file:
    pid_file.write(f"{os.getpid()}\n")
os.rename(sys.argv[5] + ".new", sys.argv[5])

while True:
    timeout = max(0, waiting[0][0] - time.monotonic()) if waiting else None
    for source in select.select([first, second], [], [], timeout)[0]:
        while True:
            try:
                frame, sender = source.recvfrom(FRAME_BYTES_MAX)
            except OSError:  # nothing more, or the cable is pulled
                break
            if sender[2] != socket.PACKET_OUTGOING and chance.random() >= loss:
                waiting.append((time.monotonic() + delay_s, other_end[source], frame))
    while waiting and waiting[0][0] <= time.monotonic():
        _, target, frame = waiting.popleft()
        try:
            target.send(frame)
        except OSError:
            pass  # a pulled cable or a full queue loses packets
