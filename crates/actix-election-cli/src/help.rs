//! What `--help` shows beyond one line for each argument.

pub(crate) const ABOUT: &str = "\
Leader election on ZooKeeper: campaign, see who is master, hand over.

A process competes for a role, named by a znode path. Exactly one process holds it at a time: the \
master. When it dies, is cut off or resigns, another takes over. Every mastership has a token that \
is greater than all before it in the same election: hand it to whatever the master writes to, so \
that a late writer can be refused.";

pub(crate) const AFTER: &str = "\
EXAMPLES
  elect campaign /master --address 10.0.0.7:8080     compete, and say so in text
  elect status /master --json                        who is master?
  elect watch /master                                follow who is master
  elect resign /master                               ask the master to step down
  elect dev                                          a ZooKeeper to try all this on
  elect --zookeeper zk1,zk2,zk3/payments status /scheduler

EXIT CODES
  0  done
  1  it did not work: one line on standard error says why
  2  the arguments cannot be used: one line on standard error says which, and what was expected
  3  status: there is no master
  129, 130, 131, 143  ended by SIGHUP, SIGINT, SIGQUIT or SIGTERM before it was done; 130 also after
     a second signal

SIGNALS
  SIGTERM, SIGINT, SIGQUIT and SIGHUP (but not under nohup) end every command in order; a second
  signal ends it at once. The same one within a second of the first is no second one, for shells
  and timeout(1) send it twice; nor is SIGHUP together with another one, as at the end of a login
  session.

ENVIRONMENT
  A variable that is empty is one that is not set.

LOGS
  Logs go to standard error, by RUST_LOG: debug, or actix_election=trace, say. Unless it is set,
  campaign and watch log warnings, status and resign errors only. The ZooKeeper client never logs
  at all, whatever RUST_LOG says: its logs hold passwords. If nobody reads standard error, nothing
  waits for that: lines are dropped, and a line says how many once they can be written again.

WHAT OTHERS WROTE
  Anybody may write anything into ZooKeeper as an address. It is shown on one line, in text, JSON
  and logs: what cannot be seen is escaped (\\n, \\u{1b}), and after 259 characters it is cut, with
  its length in bytes.";

pub(crate) const ZOOKEEPER: &str = "\
The servers, and a chroot that every path is below: host[:port],host[:port],.../chroot. An IPv6 \
address stands in brackets; without a port it is 2181. The chroot stands once, behind the last \
server: host1,host2/app. It is created where it is missing.";

pub(crate) const AUTH: &str = "\
Credentials, such as digest:user:password. What a process with credentials creates, only those \
credentials may use; without them it is open to everybody.

Other users of this machine can see the arguments of a process: ELECT_AUTH is the better place.";

pub(crate) const MAX_FRAME_SIZE: &str = "\
The longest reply of a server that is taken, in bytes: from 1048576 to 1073741824. A server that \
sends more loses the connection, and the error says so. Raise it where the servers' \
jute.maxbuffer is raised above this.";

pub(crate) const CAMPAIGN: &str = "\
Compete for the role until a signal comes, then hand over in order.

With the lock strategy the master holds an ephemeral znode at PATH, whose data is its address. With \
the queue strategy all candidates have one below PATH, and the first of them is master: whoever \
resigns goes to the end. All candidates of an election use the same strategy. \
It prints what happens to it; with --json, one object a line, flushed.";

pub(crate) const CAMPAIGN_AFTER: &str = r#"EVENTS (with --json)
  {"at":12.5,"event":"session","state":"connected"}
      connecting, connected, suspended, lost or closed
  {"at":12.6,"event":"became_standby","reason":"outranked","master":{"address":"h:1","token":77}}
      connecting, outranked, resigned, lease_ending, session_lost, node_lost, path_taken, denied or
      role_failed; the master is null when none is known
  {"at":19.1,"event":"became_master","id":"a","token":81,"remaining":4.4}
  {"at":19.2,"event":"holding","token":81,"remaining":4.3}
      every --holding, while the lease was valid at `at`; never after became_standby
  {"at":30.0,"event":"error","message":"..."}
      it goes on trying: no server, a denied ACL and the like do not end it

  `at` is CLOCK_BOOTTIME in seconds, the same for all processes of a machine: from `at` on, the
  lease is valid for `remaining` seconds at least, unless it is given up in order before.
  became_master and became_standby come strictly in turn. The lock is released only after
  became_standby is written, or after 1.5 s if nobody reads it.

SIGNALS
  SIGTERM, SIGINT, SIGQUIT, SIGHUP: became_standby, the lock is released, the session is closed,
  exit; within 5 s, even with no server. A second one: at once. See elect --help.

EXIT CODES
  0    ended by a signal
  1    it could not start, its session ended and does not come back, or standard output cannot be
       written: it resigned in order
  2    the arguments cannot be used
  130  ended by a second signal

EXAMPLES
  elect campaign /master --address 10.0.0.7:8080
  elect campaign /master --id worker-3 --session-timeout 4s --json --holding 500ms
  elect campaign /master --strategy queue --address 10.0.0.7:8080"#;

pub(crate) const STATUS: &str = "\
Say who is master.

The answer is what the ensemble says now: it is asked behind a write that went through its quorum. \
Candidates are listed in their order, the master first. With the lock strategy only the master \
shows at the ensemble, so it is the one candidate listed.";

pub(crate) const STATUS_AFTER: &str = r#"OUTPUT (with --json)
  {"master":{"address":"h:1","token":81},"candidates":[{"address":"h:1","token":81}]}
  {"master":null,"candidates":[]}

EXIT CODES
  0  there is a master
  1  it could not be found out, in 10 s at most
  2  the arguments cannot be used
  3  there is no master

EXAMPLES
  elect status /master
  elect status /master --json | jq -r .master.address"#;

pub(crate) const WATCH: &str = "\
Say who is master, now and on every change, until a signal comes.

While the ensemble cannot be reached nothing is printed, and the last master printed is the last \
one known; the logs say what is wrong. It goes on trying.";

pub(crate) const WATCH_AFTER: &str = r#"EVENTS (with --json)
  {"at":12.5,"event":"master_changed","master":{"address":"h:1","token":81}}
  {"at":14.9,"event":"master_changed","master":null}
      there is no master
  `at` is CLOCK_BOOTTIME in seconds.

EXIT CODES
  0    ended by a signal
  1    it could not start, its session ended and does not come back, or standard output cannot be
       written
  2    the arguments cannot be used
  130  ended by a second signal

EXAMPLES
  elect watch /master
  elect watch /master --json | jq --unbuffered -r '.master.address // "none"'"#;

pub(crate) const RESIGN: &str = "\
Ask the master to step down in order, and wait until it has.

The request is an ephemeral znode beside PATH, so it takes permission to create znodes there. The \
master hands over as it does on SIGTERM, and then stays out for a moment so that another one wins. \
If there is no other, it becomes master again, with a new token.";

pub(crate) const RESIGN_AFTER: &str = "\
EXIT CODES
  0  the lock has changed hands or is free, or there was no master
  1  the master did not step down in 10 s, or could not be asked
  2  the arguments cannot be used

EXAMPLES
  elect resign /master && elect status /master";

pub(crate) const DEV: &str = "\
Run a ZooKeeper inside this process until a signal comes, to try things on.

It speaks the protocol of ZooKeeper 3.8 to any client and needs no Java. It is for development and \
tests on one machine: it has no quorum. What runs in production is a real ensemble.

Without --data everything is in memory. Started again, it has forgotten all but the time: sessions of \
before are refused, and tokens go on growing. With --data it goes on from what it had, however it \
ended: what a client was answered is on the disk before. Sessions live on as well, each with its whole \
timeout from the start on.";

pub(crate) const DEV_AFTER: &str = "\
OUTPUT
  listening on 127.0.0.1:2181
      once it is ready

LOGS
  Logs go to standard error. Unless --log or RUST_LOG says otherwise, only who is turned away is
  logged: an address with too many connections, say; and what is dropped at the end of the data: a
  change that was being written in a crash, and was not answered. --log info tells of sessions,
  --log debug of requests as well, without their data.

DATA
  DIR is created where it is missing, and belongs to one server alone. It holds a snapshot and a log
  of what has come since, with checksums: keep or copy all of it, while no server runs.

EXIT CODES
  0    ended by a signal
  1    it cannot listen there, or cannot keep its data: another one has the folder, something else
       is in it, a file is damaged, the disk is full. It ends rather than answer what it cannot keep
  2    the arguments cannot be used
  130  ended by a second signal

EXAMPLES
  elect dev --tick 500ms --log info
  elect dev --data ./zookeeper
  elect dev --listen 127.0.0.1:0 --max-connections 0";
