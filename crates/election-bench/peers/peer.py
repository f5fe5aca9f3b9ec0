"""kazoo's Election as a subject of the benchmarks: does what standard input says (see src/subject.rs)."""

import logging
import queue
import sys
import threading
import time

from kazoo.client import KazooClient

# Seconds between two looks at something that tells nobody of itself.
LOOK = 0.002

logging.disable(logging.CRITICAL)
changed = threading.Condition()
sessions = {}
last = (0, 0)


class Candidate(threading.Thread):
    """Stands in an election for good; leads until it is told to resign."""

    def __init__(self, session, path):
        super().__init__(daemon=True)
        self.session, self.election = session, session.client.Election(path, str(session.number))
        self.leads, self.orders, self.resigned = False, queue.Queue(), queue.Queue()

    def run(self):
        while True:
            self.election.run(self.lead)

    def lead(self):
        global last
        now = time.monotonic_ns()
        with changed:
            self.leads = True
            self.session.masters += 1
            last = (now, self.session.number)
            changed.notify_all()
        self.orders.get()
        with changed:
            self.leads = False
            self.session.masters -= 1
        self.resigned.put(time.monotonic_ns())

    def stands(self):
        return self.leads or self.election.lock.node is not None


class Session:
    def __init__(self, number, connect, timeout):
        self.number, self.masters, self.candidates = number, 0, []
        self.client = KazooClient(hosts=connect, timeout=timeout / 1000)
        self.client.start(timeout=60)


def session(number, connect, timeout):
    sessions[number] = Session(int(number), connect, int(timeout))
    return []


def campaign(number, path, count):
    before = time.monotonic_ns()
    for index in range(int(count)):
        candidate = Candidate(sessions[number], f"{path}/{index}")
        sessions[number].candidates.append(candidate)
        candidate.start()
    return [before]


def masters(number, count):
    with changed:
        changed.wait_for(lambda: sessions[number].masters >= int(count))
        return [last[0]]


def next_master(after):
    with changed:
        changed.wait_for(lambda: last[0] > int(after))
        return last


def standing(number):
    while not all(candidate.stands() for candidate in sessions[number].candidates):
        time.sleep(LOOK)
    return []


def resign(number):
    candidate = sessions[number].candidates[0]
    candidate.orders.put(None)
    return [candidate.resigned.get()]


COMMANDS = {
    "session": session,
    "campaign": campaign,
    "masters": masters,
    "next": next_master,
    "standing": standing,
    "resign": resign,
}


def main():
    print("ok", flush=True)
    for line in sys.stdin:
        word, *arguments = line.split()
        print("ok", *COMMANDS[word](*arguments), flush=True)


main()
