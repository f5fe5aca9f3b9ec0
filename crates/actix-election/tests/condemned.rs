//! A session that the ensemble is about to end, and still serves.
//!
//! ZooKeeper's leader takes all sessions that are due at a tick out of its queue, and then ends them one after the other. Who
//! comes back in between is attached and answered as if nothing were amiss, and the session ends all the same. No lease may
//! rest on that.

#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]
#![allow(clippy::expect_used, reason = "and what was missing")]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_election::prelude::*;
use actix_election::{CandidateState, Timestamp, clock};
use common::{PATIENCE, soon, until};
use tokio::sync::watch;
use zookeeper_testkit::proxy::{Direction, Fault};
use zookeeper_testkit::{FaultProxy, TestServer};

const T: Duration = Duration::from_secs(2);
/// A session is taken out this much later than T at most, which has to be well before 1.5 T: until then a client that is cut
/// off may hope for its session.
const TICK: Duration = Duration::from_millis(250);

const PATH: &str = "/condemned";

/// How often it is looked whether two leases are valid.
const LOOK: Duration = Duration::from_micros(500);

/// All terms that candidates were told of, and whether the leases of two candidates were ever valid at once.
struct Terms {
    told: watch::Sender<Vec<(char, Lease)>>,
    both: Mutex<Option<Both>>,
}

/// Two valid leases of one election.
struct Both {
    first_seen: Timestamp,
    last_seen: Timestamp,
    /// The leases as they were when this was first seen.
    leases: String,
}

impl Terms {
    /// They are looked at, by a thread of their own, for as long as somebody holds them.
    fn watched() -> Arc<Self> {
        let terms = Arc::new(Terms { told: watch::Sender::default(), both: Mutex::default() });
        let watched = Arc::downgrade(&terms);
        std::thread::spawn(move || {
            while let Some(terms) = watched.upgrade() {
                terms.look();
                drop(terms);
                std::thread::sleep(LOOK);
            }
        });
        terms
    }

    fn begin(&self, candidate: char, lease: Lease) {
        self.told.send_modify(|terms| terms.push((candidate, lease)));
        self.look();
    }

    fn look(&self) {
        // First the terms and then the time: whoever is among them has been told by then.
        let terms = self.told.borrow().clone();
        let now = clock::now();
        let valid: Vec<_> = terms.iter().filter(|(_, lease)| !lease.remaining_at(now).is_zero()).collect();
        if valid.iter().any(|(candidate, _)| *candidate != valid[0].0) {
            let mut both = self.both.lock().unwrap();
            let leases = format!("{valid:?}");
            both.get_or_insert(Both { first_seen: now, last_seen: now, leases }).last_seen = now;
        }
    }

    /// Returns once this candidate has been told that it is master.
    async fn one_of(&self, candidate: char) {
        let mut told = self.told.subscribe();
        let found = |terms: &Vec<(char, Lease)>| terms.iter().any(|(of, _)| *of == candidate);
        soon(told.wait_for(found), "a term begins").await.unwrap();
    }

    fn leases_of(&self, candidate: char) -> Vec<Lease> {
        let terms = self.told.borrow();
        terms.iter().filter(|(of, _)| *of == candidate).map(|(_, lease)| lease.clone()).collect()
    }

    fn were_never_valid_at_once(&self) {
        if let Some(Both { first_seen, last_seen, leases }) = &*self.both.lock().unwrap() {
            panic!("two valid leases for {:?}; at first these: {leases}", last_seen.since(*first_seen));
        }
    }
}

/// Reports the terms of its candidate.
struct Role {
    candidate: char,
    terms: Arc<Terms>,
}

impl Actor for Role {
    type Context = Context<Self>;
}

impl Handler<BecameMaster> for Role {
    type Result = ();

    fn handle(&mut self, message: BecameMaster, _: &mut Context<Self>) {
        self.terms.begin(self.candidate, message.lease);
    }
}

impl Handler<BecameStandby> for Role {
    type Result = ();

    fn handle(&mut self, _: BecameStandby, _: &mut Context<Self>) {}
}

/// A candidate with a session and a network of its own.
struct Candidate {
    network: FaultProxy,
    session: Session,
    election: Election,
}

impl Candidate {
    async fn start(name: char, server: &TestServer, strategy: Strategy, terms: &Arc<Terms>) -> Self {
        let network = FaultProxy::start(server.address()).unwrap();
        let session = Session::builder(&network.connect_string()).session_timeout(T).start().unwrap();
        let role = Role { candidate: name, terms: Arc::clone(terms) }.start();
        let election = Election::builder(PATH).strategy(strategy).role(&role).campaign(&session);
        let election = election.await.unwrap();
        Candidate { network, session, election }
    }

    /// Nothing goes either way, and nobody says so. It is found at once that the network is back, since new connections are
    /// not kept waiting but refused.
    fn cut_off(&self) -> [Fault; 2] {
        [self.network.hold(Direction::Both), self.network.refuse()]
    }

    async fn state(&self) -> CandidateState {
        self.election.status().state
    }

    async fn leads(&self) -> bool {
        self.state().await == CandidateState::Master
    }

    async fn stands_by(&self) -> bool {
        self.state().await == CandidateState::Standby
    }
}

/// A comes back to a session that is condemned, stays for as long as it takes to be served, and is cut off again when the
/// session ends.
async fn no_lease_rests_on_a_condemned_session(strategy: Strategy) {
    let server = TestServer::builder().tick(TICK).start().await.unwrap();
    let terms = Terms::watched();
    let slow = server.hold_expiry();
    let a = Candidate::start('a', &server, strategy, &terms).await;
    terms.one_of('a').await;
    // At once: as long as the lease still counts from the attach, the client holds on to its session for longest.
    let cut = a.cut_off();
    let session = *server.view().sessions.first_key_value().unwrap().0;
    server.wait_for(PATIENCE, |view| view.condemned.contains(&session)).await.unwrap();
    drop(cut);
    // In the session that is condemned, which nobody tells it, or in another one, behind what the first has left.
    until("a is back", async || a.leads().await || a.stands_by().await).await;

    // Only now, so that A found nobody in its way.
    let b = Candidate::start('b', &server, strategy, &terms).await;
    until("b has its place", async || b.leads().await || b.stands_by().await).await;
    let cut = a.cut_off();
    slow.end();
    // By then no lease of A may be valid, nor ever after. If one is, it is seen for how long.
    terms.one_of('b').await;
    for lease in terms.leases_of('a') {
        soon(lease.lost(), "the end of the leases of a").await;
    }

    drop(cut);
    until("one of them leads", async || a.leads().await || b.leads().await).await;
    for candidate in [a, b] {
        soon(candidate.session.close(), "closed").await;
    }
    terms.were_never_valid_at_once();
}

#[actix::test]
async fn no_lease_rests_on_a_condemned_session_with_a_lock() {
    no_lease_rests_on_a_condemned_session(Strategy::Lock).await;
}

#[actix::test]
async fn no_lease_rests_on_a_condemned_session_in_a_queue() {
    no_lease_rests_on_a_condemned_session(Strategy::Queue).await;
}
