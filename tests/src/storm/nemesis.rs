//! Carries out the moves, and heals what they did.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use zookeeper_testkit::proxy::{Direction, Fault, ReplyFilter};
use zookeeper_testkit::wire::{OpCode, WireError, expire_session};
use zookeeper_testkit::{FaultProxy, LaunchError};

use super::field::{Field, TakenServer};
use super::log::{Hits, InForce};
use super::now;
use super::plan::{Denial, Move, What, Which, Who};
use super::stand::{Stand, tied};
use crate::judge::Ended;
use crate::{Node, elect};

/// How long a request from outside may take.
const REQUEST: Duration = Duration::from_secs(15);

/// What a move comes to: what the project did wrong, if it shows here.
type Trouble = Option<String>;

/// Does it, waits, and heals. A move whose target is in the hands of another one does nothing.
pub(super) async fn carry_out(field: &Field, one: &Move) -> Trouble {
    sleep(one.after).await;
    let work = Work { field, one };
    match one.what {
        What::Kill(who) => work.kill(field.find(who)).await,
        What::Pause(who) => work.pause(field.find(who)).await,
        What::Terminate(who) => return work.terminate(field.find(who)).await,
        What::Resign(election) => work.resign(election).await,
        What::Expire(who) => work.expire(field.find(who)).await,
        What::Part(who, direction) => {
            work.disturb(field.find(who), |proxy| proxy.hold(direction)).await;
        }
        What::Delay(who, by) => {
            work.disturb(field.find(who), |proxy| proxy.delay(Direction::Both, by)).await;
        }
        What::Cut(who) => work.cut(field.find(who)),
        What::LoseReply(election) => work.lose_replies(election).await,
        What::Deny(which, denial) => work.deny(which, denial).await,
        What::KillServer(which) => work.kill_servers(&[field.find_server(which)]).await,
        What::LoseQuorum => {
            let leader = field.find_server(Which::Leader);
            work.kill_servers(&[leader, (leader + 1) % 3]).await;
        }
        What::RestartAll => work.kill_servers(&[0, 1, 2]).await,
        What::PauseServer(which) => work.pause_server(field.find_server(which)).await,
        What::RestartEach => work.restart_each().await,
        What::IsolateFollower { election, alone } => work.isolate_follower(election, alone).await,
        What::IsolateLeader => {
            let leader = field.find_server(Which::Leader);
            work.part(&others(leader).map(|other| (leader, other)), true).await;
        }
        What::PartAll => work.part(&[(0, 1), (0, 2), (1, 2)], true).await,
        What::PartOneWay { follower, to_leader } => {
            let leader = field.find_server(Which::Leader);
            let follower = others(leader)[follower % 2];
            let way = if to_leader { (follower, leader) } else { (leader, follower) };
            work.part(&[way], false).await;
        }
    }
    None
}

fn others(server: usize) -> [usize; 2] {
    [(server + 1) % 3, (server + 2) % 3]
}

struct Work<'a> {
    field: &'a Field,
    one: &'a Move,
}

impl<'a> Work<'a> {
    fn begin(&self, target: &str, hits: Hits) -> InForce<'a> {
        self.field.log.begin(self.one.what.kind(), target, hits, self.one.short)
    }

    /// As [`begin`](Self::begin) on the process of one server. If it only follows, there are the others.
    fn begin_at_server(&self, server: usize) -> InForce<'a> {
        let follows = self.field.weather.leader().is_some_and(|leader| leader != server);
        let (kind, target) = (self.one.what.kind(), format!("server {server}"));
        self.field.log.begin(kind, target, Hits::Ensemble, self.one.short || follows)
    }

    fn begin_at(&self, stand: &Stand) -> InForce<'a> {
        self.begin(&stand.name, Hits::Candidates(vec![self.field.number(stand)]))
    }

    async fn wait(&self) {
        sleep(self.one.length).await;
    }

    // Candidates.

    async fn kill(&self, stand: &Stand) {
        let Some(taken) = stand.take() else { return };
        let _in_force = self.begin_at(stand);
        taken.kill();
        self.wait().await;
        taken.restart();
    }

    async fn pause(&self, stand: &Stand) {
        let Some(taken) = stand.take() else { return };
        let _in_force = self.begin_at(stand);
        let _paused = taken.pause();
        self.wait().await;
    }

    async fn terminate(&self, stand: &Stand) -> Trouble {
        let taken = stand.take()?;
        let _in_force = self.begin_at(stand);
        let ended = taken.stop().await;
        self.wait().await;
        taken.restart();
        ended.err()
    }

    /// Ends the session from outside. Of a candidate without one there is nothing to end.
    async fn expire(&self, stand: &Stand) {
        let Some((id, password)) = stand.session() else { return };
        let server = self.field.ensemble.server(self.field.find_server(Which::Leader)).address();
        let (process, from) = (stand.process(), now());
        let in_force = self.begin_at(stand);
        let outcome = timeout(REQUEST, expire_session(server, id, &password)).await;
        drop(in_force);
        let until = match outcome {
            Ok(Ok(()) | Err(WireError::SessionRefused)) => now(),
            // The request may still be on its way to a server that stands still.
            _ => f64::INFINITY,
        };
        self.field.ended.borrow_mut().push(Ended { process, from, until });
    }

    async fn resign(&self, election: usize) {
        let path = &self.field.settings.elections[election].path;
        let _in_force = self.begin(path, Hits::Nobody);
        let mut command = tied(elect());
        command.args(["resign", path, "--zookeeper", &self.field.ensemble.connect_string()]);
        command.stderr(std::process::Stdio::null());
        // Under other faults it may fail, and it must not take longer than this even then.
        let mut asking = Node::start("resign", command);
        let _ = timeout(REQUEST, asking.ended()).await;
    }

    /// The next creates and deletes of the candidates are carried out, and the connection is reset instead of the reply.
    async fn lose_replies(&self, election: usize) {
        let numbers = self.field.numbers(election);
        let path = self.field.settings.elections[election].path.as_str();
        let in_force = self.begin(path, Hits::Candidates(numbers.clone()));
        let mut faults = Vec::new();
        for proxy in numbers.iter().flat_map(|number| &self.field.stands[*number].proxies) {
            // In a queue each create is of a path of its own. Probes are deletes, too, but of a node that never exists.
            faults.extend([OpCode::Create, OpCode::Create2].map(|op| proxy.cut_before_reply(op)));
            faults.push(proxy.cut_before_reply(ReplyFilter::to(OpCode::Delete).on(path)));
        }
        self.resign(election).await;
        self.wait().await;
        drop((faults, in_force));
    }

    // Connections of candidates.

    async fn disturb(&self, stand: &Stand, fault: impl Fn(&FaultProxy) -> Fault) {
        let _in_force = self.begin_at(stand);
        let _faults: Vec<_> = stand.proxies.iter().map(fault).collect();
        self.wait().await;
    }

    fn cut(&self, stand: &Stand) {
        let _in_force = self.begin_at(stand);
        stand.proxies.iter().for_each(|proxy| proxy.cut());
    }

    async fn deny(&self, which: Which, denial: Denial) {
        let server = self.field.find_server(which);
        let everybody = (0..self.field.stands.len()).collect();
        let _in_force = self.begin(&format!("server {server}, {denial:?}"), Hits::Candidates(everybody));
        let proxies = || self.field.stands.iter().map(|stand| &stand.proxies[server]);
        let _faults: Vec<_> = proxies()
            .map(|proxy| match denial {
                Denial::Refuse => proxy.refuse(),
                Denial::AcceptAndClose => proxy.accept_and_close(),
                Denial::SayNothing => proxy.accept_and_say_nothing(),
            })
            .collect();
        proxies().for_each(|proxy| proxy.cut());
        self.wait().await;
    }

    // Servers.

    /// Kills those of these servers that no other move has, and starts them again.
    async fn kill_servers(&self, servers: &[usize]) {
        let taken: Vec<_> = servers.iter().filter_map(|server| self.field.take_server(*server)).collect();
        if taken.is_empty() {
            return;
        }
        let _in_force = match taken[..] {
            [ref one] => self.begin_at_server(one.index),
            _ => self.begin(&format!("servers {:?}", indices(&taken)), Hits::Ensemble),
        };
        taken.iter().for_each(|server| self.field.ensemble.server(server.index).kill());
        self.wait().await;
        for server in &taken {
            started(self.field.ensemble.server(server.index).launch().await);
        }
    }

    async fn pause_server(&self, server: usize) {
        let Some(taken) = self.field.take_server(server) else { return };
        let _in_force = self.begin_at_server(server);
        let server = self.field.ensemble.server(taken.index);
        server.pause();
        self.wait().await;
        server.resume();
    }

    async fn restart_each(&self) {
        for server in 0..3 {
            let Some(taken) = self.field.take_server(server) else { continue };
            let _in_force = self.begin_at_server(server);
            let server = self.field.ensemble.server(taken.index);
            server.kill();
            started(server.launch().await);
            // It may not serve yet where other moves are in force: then the next one has to go without it.
            let _ = timeout(self.one.length.max(Duration::from_secs(5)), server.wait_for_service()).await;
        }
    }

    async fn part(&self, pairs: &[(usize, usize)], both_ways: bool) {
        let _in_force = self.begin(&format!("servers {pairs:?}"), Hits::Ensemble);
        let part = |(from, to): &(usize, usize)| {
            if both_ways {
                self.field.ensemble.part(*from, *to)
            } else {
                self.field.ensemble.part_one_way(*from, *to)
            }
        };
        let _partings: Vec<_> = pairs.iter().map(part).collect();
        self.wait().await;
    }

    /// The master is driven to a follower and kept there; then the follower hears nothing from its leader.
    async fn isolate_follower(&self, election: usize, alone: bool) {
        let leader = self.field.find_server(Which::Leader);
        let master = self.field.find(Who::Master(election));
        let follower = match master.server() {
            Some(server) if server != leader => server,
            _ => others(leader)[0],
        };
        let target = format!("server {follower}, with {}", master.name);
        let _in_force = self.begin(&target, Hits::Ensemble);
        let elsewhere = || others(follower).into_iter().map(|server| &master.proxies[server]);
        let _kept: Vec<_> = elsewhere().map(|proxy| proxy.refuse()).collect();
        elsewhere().for_each(|proxy| proxy.cut());
        let patience = Instant::now() + self.field.settings.elections[election].timeout / 2;
        while master.proxies[follower].open_connections() == 0 && Instant::now() < patience {
            sleep(Duration::from_millis(10)).await;
        }
        let mut partings = vec![self.field.ensemble.part(follower, leader)];
        if alone {
            let other = others(follower).into_iter().find(|other| *other != leader).unwrap_or(follower);
            partings.push(self.field.ensemble.part(follower, other));
        }
        self.wait().await;
        drop(partings);
    }
}

fn indices(taken: &[TakenServer<'_>]) -> Vec<usize> {
    taken.iter().map(|server| server.index).collect()
}

/// Whether the server can be started is no matter of luck.
fn started(result: Result<(), LaunchError>) {
    result.unwrap_or_else(|error| panic!("{error}"));
}
