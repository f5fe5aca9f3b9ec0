"""A session of kazoo with the server whose address is the argument, told line by line.

Only the main thread tells. What other threads see comes to it through queues, so that the order is always the same.
"""

import queue
import sys
import threading

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException
from kazoo.recipe.watchers import ChildrenWatch, DataWatch
from kazoo.security import make_digest_acl, make_acl

PATIENCE = 30  # seconds: far beyond what any step takes


def tell(*words):
    print(*words, flush=True)


def attempt(name, action, *arguments, **options):
    """Tells what an operation comes to, be it an exception."""
    try:
        tell(name, "->", action(*arguments, **options))
    except KazooException as error:
        tell(name, "!!", type(error).__name__)


def event(events):
    seen = events.get(timeout=PATIENCE)
    tell("event:", seen.type, seen.path)


def in_thread(action):
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    return thread


def join(thread):
    thread.join(PATIENCE)
    assert not thread.is_alive(), "a thread does not end"


def version(pair):
    data, stat = pair
    return data, stat.version, stat.numChildren, stat.dataLength


def reads_and_writes(client):
    tell("== reads and writes")
    attempt("create", client.create, "/kazoo/deep/node", b"one", makepath=True)
    attempt("create again", client.create, "/kazoo/deep/node", b"one")
    attempt("create below nothing", client.create, "/kazoo/none/node", b"")
    attempt("get", lambda: version(client.get("/kazoo/deep/node")))
    attempt("set", lambda: client.set("/kazoo/deep/node", b"two", version=0).version)
    attempt("set stale", client.set, "/kazoo/deep/node", b"three", version=0)
    attempt("get nothing", client.get, "/kazoo/none")
    attempt("exists nothing", client.exists, "/kazoo/none")
    for _ in range(3):
        attempt("sequence", client.create, "/kazoo/deep/s-", sequence=True, ephemeral=True)
    attempt("children", lambda: sorted(client.get_children("/kazoo/deep")))
    attempt("with data", lambda: sorted(client.get_children("/kazoo/deep", include_data=True)[0]))
    attempt("below an ephemeral", client.create, "/kazoo/deep/s-0000000001/node")
    attempt("delete with children", client.delete, "/kazoo/deep")
    attempt("delete stale", client.delete, "/kazoo/deep/node", version=7)
    attempt("sync", client.sync, "/kazoo/deep")
    attempt("unicode", client.create, "/kazoo/gr\u00fc\u00df", "\u2713".encode())
    attempt("container stat", lambda: client.create("/kazoo/stat", b"1234", include_data=True)[1].dataLength)
    attempt("large", lambda: client.create("/kazoo/large", b"x" * 900000))
    attempt("large get", lambda: len(client.get("/kazoo/large")[0]))
    attempt("recursive", client.delete, "/kazoo/deep", recursive=True)
    attempt("children", lambda: sorted(client.get_children("/kazoo")))


def transactions(client):
    tell("== transactions")
    good = client.transaction()
    good.create("/kazoo/t", b"1")
    good.create("/kazoo/t/child")
    good.set_data("/kazoo/t", b"2")
    good.check("/kazoo/t", 1)
    good.delete("/kazoo/t/child")
    told = good.commit()
    tell([getattr(result, "version", result) for result in told])
    bad = client.transaction()
    bad.create("/kazoo/t/other")
    bad.check("/kazoo/t", 9)
    bad.delete("/kazoo/t")
    tell([type(result).__name__ for result in bad.commit()])
    attempt("nothing of it", client.exists, "/kazoo/t/other")


def access(first, second):
    tell("== access")
    first.add_auth("digest", "user:password")
    mine = make_digest_acl("user", "password", all=True)
    attempt("create", first.create, "/kazoo/secret", b"hidden", acl=[mine])
    attempt("get", lambda: first.get("/kazoo/secret")[0])
    attempt("acl", lambda: first.get_acls("/kazoo/secret")[0])
    attempt("get by another", second.get, "/kazoo/secret")
    attempt("set by another", second.set, "/kazoo/secret", b"")
    attempt("bad acl", second.create, "/kazoo/bad", acl=[make_acl("nonsense", "id", all=True)])
    second.add_auth("digest", "user:password")
    attempt("get by the same", lambda: second.get("/kazoo/secret")[0])


def watches(first, second):
    tell("== watches")
    events = queue.Queue()
    second.exists("/kazoo/watched", watch=events.put)
    first.create("/kazoo/watched", b"one")
    event(events)
    second.get("/kazoo/watched", watch=events.put)
    second.get_children("/kazoo/watched", watch=events.put)
    first.set("/kazoo/watched", b"two")
    event(events)
    first.create("/kazoo/watched/child")
    event(events)
    second.get_children("/kazoo/watched/child", watch=events.put)
    second.get("/kazoo/watched/child", watch=events.put)
    first.delete("/kazoo/watched/child")
    event(events)

    data = queue.Queue()
    DataWatch(second, "/kazoo/data", lambda value, stat: data.put((value, stat and stat.version)))
    tell("data:", data.get(timeout=PATIENCE))
    for step in (
        lambda: first.create("/kazoo/data", b"one"),
        lambda: first.set("/kazoo/data", b"two"),
        lambda: first.delete("/kazoo/data"),
    ):
        step()
        tell("data:", data.get(timeout=PATIENCE))

    children = queue.Queue()
    ChildrenWatch(second, "/kazoo/watched", lambda names: children.put(sorted(names)))
    tell("children:", children.get(timeout=PATIENCE))
    for name in ("a", "b"):
        first.create("/kazoo/watched/" + name, ephemeral=True)
        tell("children:", children.get(timeout=PATIENCE))


def locks(first, second):
    tell("== locks")
    mine, other = first.Lock("/kazoo/lock", "first"), second.Lock("/kazoo/lock", "second")
    attempt("first", mine.acquire)
    attempt("second at once", other.acquire, blocking=False)
    attempt("second in time", other.acquire, timeout=0.2)
    got = queue.Queue()
    waiting = in_thread(lambda: got.put(other.acquire()))
    contended = queue.Queue()
    look = lambda names: contended.put(len(names))
    ChildrenWatch(first, "/kazoo/lock", look)
    while contended.get(timeout=PATIENCE) != 2:
        pass
    tell("contenders:", mine.contenders())
    mine.release()
    tell("second:", got.get(timeout=PATIENCE))
    join(waiting)
    tell("contenders:", other.contenders())
    other.release()

    semaphore = first.Semaphore("/kazoo/semaphore", "first", max_leases=1)
    attempt("semaphore", semaphore.acquire)
    attempt("holders", semaphore.lease_holders)
    semaphore.release()
    counter = first.Counter("/kazoo/counter")
    counter += 3
    counter -= 1
    tell("counter:", counter.value)


def election(first, second):
    """The first leads until its session ends, then the second does."""
    tell("== election")
    leads, ends = queue.Queue(), threading.Event()

    def lead(name):
        leads.put(name)
        ends.wait(PATIENCE)

    def campaign(client, name):
        try:
            client.Election("/kazoo/election", name).run(lead, name)
        except Exception:  # the first loses its session on purpose
            pass

    candidates = queue.Queue()
    second.ensure_path("/kazoo/election")
    ChildrenWatch(second, "/kazoo/election", lambda names: candidates.put(len(names)))
    one = in_thread(lambda: campaign(first, "first"))
    tell("leads:", leads.get(timeout=PATIENCE))
    two = in_thread(lambda: campaign(second, "second"))
    while candidates.get(timeout=PATIENCE) != 2:
        pass
    tell("candidates:", second.Election("/kazoo/election").contenders())
    first.stop()
    tell("leads:", leads.get(timeout=PATIENCE))
    tell("candidates:", second.Election("/kazoo/election").contenders())
    ends.set()
    join(one)
    join(two)


def main():
    clients = [KazooClient(hosts=sys.argv[1], timeout=10) for _ in range(2)]
    first, second = clients
    for client in clients:
        client.start(timeout=PATIENCE)
    reads_and_writes(first)
    transactions(first)
    access(first, second)
    watches(first, second)
    locks(first, second)
    election(first, second)
    second.stop()
    tell("== end")


main()
