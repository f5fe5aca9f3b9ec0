//! What `--help` and the manual pages show beyond one line for each argument.

pub(super) const ABOUT: &str = "\
Leader election on ZooKeeper: campaign, see who is master, hand over.

Processes compete for a role, which is named by a znode path. Exactly one of them holds it at a \
time: the master. When the master dies, is cut off or resigns, another process takes over. Each \
mastership has a token greater than all earlier ones in the same election. Pass it to whatever the \
master writes to, so that a late writer can be refused.";

pub(super) const AFTER: &str = "\
EXAMPLES
  elect campaign /master --address 10.0.0.7:8080     compete, and report in text
  elect status /master --json                        who is master?
  elect watch /master                                follow who is master
  elect resign /master                               ask the master to step down
  elect dev                                          a ZooKeeper to try all this on
  elect --zookeeper zk1,zk2,zk3/payments status /scheduler

EXIT CODES
  0  done
  1  it failed: one line on standard error says why
  2  unusable arguments: one line on standard error says which, and what is expected
  3  status: there is no master
  129, 130, 131, 143  ended by SIGHUP, SIGINT, SIGQUIT or SIGTERM before it was done; 130 also
     means ended by a second signal

SIGNALS
  SIGTERM, SIGINT, SIGQUIT and SIGHUP (not under nohup) end every command in order. A second signal
  ends it at once. The same signal within a second does not count as a second one, because shells
  and timeout(1) send it twice; neither does SIGHUP within a second of another signal, as at the end
  of a login session.

ENVIRONMENT
  ELECT_ZOOKEEPER, ELECT_AUTH
      stand for --zookeeper and --auth; an empty variable counts as not set
  RUST_LOG
      what is logged: debug, or actix_election=trace, for example
  NO_COLOR, CLICOLOR_FORCE
      text and errors are coloured on a terminal; NO_COLOR=1 turns that off, and CLICOLOR_FORCE=1
      turns it on for pipes and files

LOGS
  Logs go to standard error. Unless RUST_LOG is set, campaign and watch log warnings, status and
  resign only errors. The ZooKeeper client itself never logs, because its logs contain passwords.
  If nobody reads standard error, lines are dropped rather than waited for, and a later line says
  how many.

ADDRESSES
  Anybody may write anything into ZooKeeper as an address. It is shown on one line in text, JSON and
  logs: invisible characters are escaped (\\n, \\u{1b}), and after 259 characters it is cut, with
  its length in bytes.";

pub(super) const ZOOKEEPER: &str = "\
The servers, and a chroot for all paths: host[:port],host[:port],.../chroot. An IPv6 \
address stands in brackets. The default port is 2181. The chroot is given once, after the last \
server: host1,host2/app. campaign creates it if it is missing; status and resign fail, and watch \
warns and waits.";

pub(super) const AUTH: &str = "\
Credentials, such as digest:user:password. What a process with credentials creates can be used with \
those credentials only; without credentials it is open to everybody.

Other users of this machine can see the arguments of a process: ELECT_AUTH is safer.";

pub(super) const MAX_FRAME_SIZE: &str = "\
The longest reply of a server that is accepted, in bytes: from 1048576 to 1073741824. A longer reply \
ends the connection, and the error says so. Raise it if jute.maxbuffer of the servers is higher.";

pub(super) const CAMPAIGN: &str = "\
Compete for the role until a signal comes, then hand over in order.

With the lock strategy the master holds an ephemeral znode at PATH, whose data is its address. With \
the queue strategy every candidate holds a znode below PATH, and the first is master; whoever \
resigns goes to the end. All candidates of an election must use the same strategy. Missing parents \
of PATH are created, and so is the chroot.

Each event is one line: text with the time in UTC, or JSON with --json.";

pub(super) const CAMPAIGN_AFTER: &str = r#"EVENTS (with --json)
  {"at":12.5,"event":"session","state":"connected"}
      connecting, connected, suspended, lost or closed
  {"at":12.6,"event":"became_standby","reason":"outranked","master":{"address":"h:1","token":77}}
      connecting, outranked, resigned, lease_ending, session_lost, node_lost, path_taken, denied or
      role_failed; master is null if none is known
  {"at":19.1,"event":"became_master","id":"a","token":81,"remaining":4.4}
  {"at":19.2,"event":"holding","token":81,"remaining":4.3}
      every --holding, if the lease was valid at that time; never after became_standby
  {"at":30.0,"event":"error","message":"..."}
      it keeps trying: no server or a denied ACL, for example, does not end it

  "at" is CLOCK_BOOTTIME in seconds, the same for all processes of a machine. From then on the lease
  is valid for at least "remaining" seconds, unless it is given up in order earlier.
  became_master and became_standby alternate. The lock is released only after became_standby is
  written, or after 1.5 s if nobody reads it.

SIGNALS
  SIGTERM, SIGINT, SIGQUIT, SIGHUP: print became_standby, release the lock, close the session, exit;
  within 5 s, even with no server. A second signal ends it at once. See elect --help.

EXIT CODES
  0    ended by a signal
  1    it could not start, its session ended for good, or standard output cannot be written: it
       resigned in order
  2    unusable arguments
  130  ended by a second signal

EXAMPLES
  elect campaign /master --address 10.0.0.7:8080
  elect campaign /master --id worker-3 --session-timeout 4s --json --holding 500ms
  elect campaign /master --strategy queue --address 10.0.0.7:8080"#;

pub(super) const STATUS: &str = "\
Say who is master.

The answer is current: it is read after a write that went through the ensemble's quorum. Candidates \
are listed in order, the master first. With the lock strategy the ensemble knows only the master, so \
it is the only candidate listed.";

pub(super) const STATUS_AFTER: &str = r#"OUTPUT (with --json)
  {"master":{"address":"h:1","token":81},"candidates":[{"address":"h:1","token":81}]}
  {"master":null,"candidates":[]}

EXIT CODES
  0  there is a master
  1  no answer within 10 s, or the chroot does not exist
  2  unusable arguments
  3  there is no master

EXAMPLES
  elect status /master
  elect status /master --json | jq -r .master.address"#;

pub(super) const WATCH: &str = "\
Say who is master, now and on every change, until a signal comes.

Each change is one line: text with the time in UTC, or JSON with --json. While the ensemble cannot be \
reached nothing is printed, the last master printed is the last one known, and the logs say what is \
wrong. It keeps trying. Below a chroot that does not exist there is no master; the logs say so until \
it is created.";

pub(super) const WATCH_AFTER: &str = r#"EVENTS (with --json)
  {"at":12.5,"event":"master_changed","master":{"address":"h:1","token":81}}
  {"at":14.9,"event":"master_changed","master":null}
      there is no master
  "at" is CLOCK_BOOTTIME in seconds.

EXIT CODES
  0    ended by a signal
  1    it could not start, its session ended for good, or standard output cannot be written
  2    unusable arguments
  130  ended by a second signal

EXAMPLES
  elect watch /master
  elect watch /master --json | jq --unbuffered -r '.master.address // "none"'"#;

pub(super) const RESIGN: &str = "\
Ask the master to step down in order, and wait until it has.

The request is an ephemeral znode next to PATH, so it needs permission to create znodes there. The \
master hands over as it does on SIGTERM, and then waits a moment so that another candidate wins. If \
there is no other candidate, it becomes master again, with a new token.";

pub(super) const RESIGN_AFTER: &str = r#"OUTPUT (with --json)
  {"at":12.5,"event":"resigned","token":81}
      the master with this token has given up the lock
  {"at":12.5,"event":"no_master"}
  "at" is CLOCK_BOOTTIME in seconds.

EXIT CODES
  0  the lock has changed hands or is free, or there was no master
  1  the master did not step down within 10 s, or could not be asked, or the chroot does not exist
  2  unusable arguments

EXAMPLES
  elect resign /master && elect status /master"#;

pub(super) const DEV: &str = "\
Run a ZooKeeper inside this process until a signal comes, to try things on.

It speaks the protocol of ZooKeeper 3.8 to any client and needs no Java. It is for development and \
tests on one machine: it has no quorum. In production, use a real ensemble.

Without --data everything is in memory: after a restart old sessions are refused, and tokens still \
grow. With --data it continues with what it had, however it ended, because it writes a change to the \
disk before it answers. Sessions live on too, each with its whole timeout from the start.";

pub(super) const DEV_AFTER: &str = "\
OUTPUT
  listening on 127.0.0.1:2181
      when it is ready

LOGS
  Logs go to standard error. By default only two things are logged: clients that are turned away,
  such as an address with too many connections, and an incomplete change that is dropped from the
  end of the data after a crash (it was never answered). --log info adds sessions, --log debug adds
  requests, without their data. --log overrides RUST_LOG.

DATA
  DIR is created if it is missing, and belongs to one server alone. It holds a snapshot and a log of
  later changes, with checksums. Copy all of it or nothing, and only while no server runs.

EXIT CODES
  0    ended by a signal
  1    it cannot listen there, or cannot keep its data: another server uses DIR, DIR holds something
       else, a file is damaged, or the disk is full. It ends rather than lose what it has answered
  2    unusable arguments
  130  ended by a second signal

EXAMPLES
  elect dev --tick 500ms --log info
  elect dev --data ./zookeeper
  elect dev --listen 127.0.0.1:0 --max-connections 0";

pub(super) const COMPLETIONS: &str = "\
Print a script that completes command lines of elect in a shell.";

pub(super) const COMPLETIONS_AFTER: &str = "\
EXAMPLES
  elect completions bash > ~/.local/share/bash-completion/completions/elect
  elect completions zsh > /usr/local/share/zsh/site-functions/_elect
  elect completions fish > ~/.config/fish/completions/elect.fish";

pub(super) const MAN: &str = "\
Print a manual page, as roff: that of elect, or of one of its commands.";

pub(super) const MAN_AFTER: &str = "\
EXAMPLES
  elect man | man -l -
  elect man campaign > /usr/local/share/man/man1/elect-campaign.1";
