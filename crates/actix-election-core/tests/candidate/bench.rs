//! A candidate on the bench: it is handed inputs, and what it puts out is kept and written as short words.

use std::collections::BTreeSet;
use std::time::Duration;

use actix_election_core::*;

/// The lock of the election on the bench.
pub(crate) const PATH: &str = "/app/master";
/// The candidate's own session, and somebody else's.
pub(crate) const OURS: SessionId = SessionId(7);
pub(crate) const THEIRS: SessionId = SessionId(8);
pub(crate) const ADDRESS: &str = "a:1";
pub(crate) const ROLE: RoleId = RoleId(1);
pub(crate) const SECOND: RoleId = RoleId(2);

/// The session timeout T, in seconds.
pub(crate) const T: f64 = 10.0;

/// Something that happens on the bench.
#[derive(Clone, Debug)]
pub(crate) enum Given {
    /// An input as it is.
    Raw(Input),
    /// The request of this kind that was made last is answered.
    Answer(&'static str, Reply),
    /// The same, with an answer that says nothing, and the pause passes that comes after it.
    Unknown(&'static str),
    /// The watch that the last request of this kind armed fires.
    Watch(&'static str, WatchEvent),
    /// A role has handled what it was last told.
    Ack(RoleId),
    /// A role is restarted, after what it was last told.
    Restart(RoleId),
    /// So many seconds pass, and the timer is served.
    Wait(f64),
    /// The lease now lasts so many seconds from now on.
    Lease(f64),
}

#[derive(Clone)]
pub(crate) struct Bench {
    candidate: Candidate,
    now: Timestamp,
    /// Every request so far, with its kind.
    requests: Vec<(OpId, String)>,
    /// Those that let others go first.
    patient: BTreeSet<OpId>,
    messages: Vec<(RoleId, MessageId)>,
    /// Whether it has said that it needs a lease.
    pub(crate) lease_needed: bool,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Bench::configured(|_| {})
    }

    /// A bench whose candidate has other settings than the usual: the session timeout is T, and it has 3 s to
    /// step down, stays out 1 s after it resigned and 5 s after a failure, and asks again after 5 s.
    pub(crate) fn configured(change: fn(&mut CandidateConfig)) -> Self {
        let now = Timestamp::from_nanos(100_000_000_000);
        let mut config = CandidateConfig::new(ElectionPath::new(PATH).unwrap());
        config.address = Some(Address::new(ADDRESS).unwrap());
        change(&mut config);
        let candidate = Candidate::new(config, now).unwrap();
        Bench {
            candidate,
            now,
            requests: Vec::new(),
            patient: BTreeSet::new(),
            messages: Vec::new(),
            lease_needed: false,
        }
    }

    /// A bench with the heir of this one's candidate.
    pub(crate) fn heir(&self) -> Option<Self> {
        let mut heir = Bench::new();
        heir.candidate = self.candidate.heir()?;
        heir.now = self.now;
        Some(heir)
    }

    /// The bench after these have happened too.
    pub(crate) fn after(mut self, given: impl IntoIterator<Item = Given>) -> Self {
        for given in given {
            self.give(given);
        }
        self
    }

    pub(crate) fn give(&mut self, given: Given) -> Vec<String> {
        if let Given::Unknown(kind) = given {
            let asked = self.requests.len();
            let mut words = self.give(Given::Answer(kind, Reply::Unknown));
            assert_eq!(self.requests.len(), asked, "asked again at once: {words:?}");
            words.extend(self.give(Given::Wait(0.01)));
            return words;
        }
        let input = self.input(given);
        self.candidate.handle(self.now, input);
        let mut words = Vec::new();
        while let Some(output) = self.candidate.next_output() {
            if let Output::LeaseNeeded(needed) = output {
                assert_ne!(self.lease_needed, needed, "said twice");
                self.lease_needed = needed;
            } else {
                words.push(self.note(output));
            }
        }
        let timer = self.candidate.next_timer();
        assert!(timer.is_none_or(|(at, _)| at > self.now), "{timer:?} is due again at {:?}", self.now);
        words
    }

    /// So many seconds pass unnoticed before this happens; fewer than none: the clock is read as earlier.
    pub(crate) fn give_late(&mut self, seconds: f64, given: Given) -> Vec<String> {
        let span = Duration::from_secs_f64(seconds.abs());
        self.now = if seconds < 0.0 { self.now - span } else { self.now + span };
        self.give(given)
    }

    pub(crate) fn state(&self) -> CandidateState {
        self.candidate.status().state
    }

    pub(crate) fn status(&self) -> CandidateStatus {
        self.candidate.status()
    }

    pub(crate) fn own_token(&self) -> Option<FencingToken> {
        self.candidate.own_token()
    }

    pub(crate) fn has_stepped_down(&self) -> bool {
        self.candidate.has_stepped_down()
    }

    /// The next timer, in seconds from now.
    pub(crate) fn timer(&self) -> Option<(f64, Timer)> {
        self.candidate.next_timer().map(|(at, timer)| (at.since(self.now).as_secs_f64(), timer))
    }

    pub(crate) fn last(&self, kind: &str) -> OpId {
        self.requests.iter().rfind(|(_, k)| k == kind).expect(kind).0
    }

    /// Whether the last request of this kind lets others go first.
    pub(crate) fn is_patient(&self, kind: &str) -> bool {
        self.patient.contains(&self.last(kind))
    }

    fn last_notified(&self, role: RoleId) -> MessageId {
        self.messages.iter().rfind(|(to, _)| *to == role).expect("nobody was notified").1
    }

    fn input(&mut self, given: Given) -> Input {
        match given {
            Given::Raw(input) => input,
            Given::Unknown(kind) => Input::Answered(self.last(kind), Reply::Unknown),
            Given::Answer(kind, reply) => Input::Answered(self.last(kind), reply),
            Given::Watch(kind, event) => Input::WatchFired(self.last(kind), event),
            Given::Ack(role) => Input::RoleAcknowledged(role, self.last_notified(role)),
            Given::Restart(role) => Input::RoleRestarted(role, self.last_notified(role)),
            Given::Wait(seconds) => {
                self.now = self.now + Duration::from_secs_f64(seconds);
                Input::Timer
            }
            Given::Lease(seconds) => Input::Lease(self.now + Duration::from_secs_f64(seconds)),
        }
    }

    fn note(&mut self, output: Output) -> String {
        if let Output::RequestWhenQuiet(op, _) = output {
            self.patient.insert(op);
        }
        match output {
            Output::Request(op, operation) | Output::RequestWhenQuiet(op, operation) => {
                let kind = kind(&operation);
                self.requests.push((op, kind.clone()));
                let ids: BTreeSet<OpId> = self.requests.iter().map(|(op, _)| *op).collect();
                assert_eq!(ids.len(), self.requests.len(), "{op:?} was used twice");
                kind
            }
            Output::Notify(role, id, message) => {
                assert!(self.messages.iter().all(|(_, used)| *used != id), "{id:?} was used twice");
                self.messages.push((role, id));
                match message {
                    Message::BecameMaster { token } => format!("{}: master {token}", role.0),
                    Message::BecameStandby { reason, master: None } => format!("{}: {reason}", role.0),
                    Message::BecameStandby { reason, master: Some(master) } => {
                        format!("{}: {reason} by {}", role.0, named(&master))
                    }
                }
            }
            Output::LeaseNeeded(_) => unreachable!("noted before"),
            Output::LeaseBegan(token) => format!("lease {token}"),
            Output::LeaseCapped(at) => {
                format!("capped {:+.2}", at.as_secs_f64() - self.now.as_secs_f64())
            }
            Output::LeaseEnded => "lease over".into(),
            Output::MasterChanged(None) => "master none".into(),
            Output::MasterChanged(Some(master)) => format!("master {}", named(&master)),
            Output::Report(problem) => format!("report {:?}", problem.kind),
            Output::Left => "left".into(),
        }
    }
}

fn named(master: &Master) -> String {
    format!("{}/{}", master.address, master.token)
}

/// The kind of a request; it is checked here that all of it is as it should be.
fn kind(operation: &Operation) -> String {
    let (kind, path) = match operation {
        Operation::Create { path, data } => {
            assert_eq!(data, ADDRESS.as_bytes());
            ("create", path)
        }
        Operation::CreateSequential { path, data } => {
            assert_eq!(data, ADDRESS.as_bytes());
            ("join", path)
        }
        Operation::CreateParents { path } => ("parents", path),
        Operation::Read { path, watch } => {
            let request = path.contains(".resign-");
            assert!(!(*watch && request), "a request is watched by asking whether it is there");
            (if *watch || request || path == PATH { "read" } else { "glance" }, path)
        }
        Operation::Children { path, watch: false } => ("list", path),
        Operation::Children { path, watch: true } => ("list and watch", path),
        Operation::Exists { path } => ("exists", path),
        Operation::Confirm { path } => ("confirm", path),
        Operation::Delete { path } => ("delete", path),
    };
    match path.strip_prefix(PATH) {
        Some("") => kind.into(),
        Some(request) if request.starts_with(".resign-") => format!("{kind} request"),
        // The queue.
        Some(name) if name.starts_with('/') => match name.rsplit_once("-latch-") {
            Some((_, "")) => kind.into(),
            Some((_, number)) => {
                let number: i64 = number.parse().expect("a number");
                format!("{kind} {number}")
            }
            None => panic!("{path} is none of this queue's"),
        },
        _ => panic!("{path} is none of this election's"),
    }
}
