//! The servers fail.

use std::time::Duration;

use election_tests::{Node, Strategy, What, World};
use zookeeper_testkit::four_letter;
use zookeeper_testkit::wire::RawClient;

/// The index of the server that holds the connection of the session that owns the lock.
async fn server_of_master(world: &World) -> usize {
    let leader = world.ensemble.leader().await.unwrap();
    let leader = world.ensemble.server(leader).address();
    let mut client = RawClient::connect(leader, world.timeout, None).await.unwrap();
    let lock = world.masters_znode(&mut client).await;
    client.close().await.unwrap();
    let ephemerals = four_letter::ephemerals(leader).await.unwrap();
    let (session, _) = ephemerals.into_iter().find(|(_, paths)| paths.contains(&lock)).unwrap();
    for server in world.ensemble.servers() {
        let connections = four_letter::connections(server.address()).await.unwrap();
        if connections.iter().any(|connection| connection.session == Some(session)) {
            return server.index();
        }
    }
    panic!("no server has the master's connection");
}

struct Trio {
    world: World,
    master: Node,
    standbys: Vec<Node>,
    mark: usize,
    token: i64,
}

/// A master and two standbys on three servers, T = 10 s.
async fn trio(strategy: Strategy) -> Trio {
    let mut world = World::new(strategy, 3, Duration::from_secs(10)).await;
    let master = world.campaign("a");
    let (_, token, mark) = master.master(0).await;
    let standbys = vec![world.campaign("b"), world.campaign("c")];
    for standby in &standbys {
        standby.standby(0, "outranked").await;
    }
    Trio { world, master, standbys, mark, token }
}

impl Trio {
    /// The server of the master, which follows: a leader that is frozen costs the quorum for syncLimit ticks. Where it leads, it
    /// is restarted, so that another leads.
    async fn follower_of_master(&self) -> usize {
        loop {
            let server = server_of_master(&self.world).await;
            if self.world.ensemble.leader().await.unwrap() != server {
                return server;
            }
            self.world.ensemble.server(server).restart().await.unwrap();
            self.world.ensemble.wait_for_quorum().await.unwrap();
            self.master.holding(self.master.history.mark()).await;
        }
    }

    /// G6: nobody was told anything, the master holds on, and every standby is still awake.
    async fn nothing_happened(mut self) {
        let (event, _) = self.master.holding(self.master.history.mark()).await;
        assert!(matches!(event.what, What::Holding { token, .. } if token == self.token));
        assert_eq!(self.master.told(self.mark).len(), 0, "{:?}", self.master.history);
        let marks: Vec<_> = self.standbys.iter().map(|standby| standby.history.mark()).collect();
        for standby in &self.standbys {
            assert_eq!(standby.told(0).len(), 1, "{:?}", standby.history);
        }
        // Awake: each of them notices when it is its turn.
        self.master.stop().await;
        let (b, c) = (&self.standbys[0], &self.standbys[1]);
        let b_first = tokio::select! {
            _ = b.master(marks[0]) => true,
            _ = c.master(marks[1]) => false,
        };
        let (first, second) = if b_first { (0, 1) } else { (1, 0) };
        self.standbys[first].stop().await;
        self.standbys[second].master(marks[second]).await;
        let mut nodes = self.standbys;
        nodes.push(self.master);
        self.world.finish(nodes).await;
    }
}

pub(crate) async fn the_masters_server_is_killed(strategy: Strategy) {
    let trio = trio(strategy).await;
    let server = server_of_master(&trio.world).await;
    trio.world.ensemble.server(server).kill();
    let (_, mark) = trio.master.session(trio.mark, "suspended").await;
    trio.master.session(mark, "connected").await;
    trio.world.ensemble.start_server(server).await.unwrap();
    trio.nothing_happened().await;
}

pub(crate) async fn the_masters_server_is_frozen(strategy: Strategy) {
    let trio = trio(strategy).await;
    let server = trio.follower_of_master().await;
    trio.world.ensemble.server(server).pause();
    let (_, mark) = trio.master.session(trio.mark, "suspended").await;
    trio.master.session(mark, "connected").await;
    trio.world.ensemble.server(server).resume();
    trio.world.ensemble.wait_for_quorum().await.unwrap();
    trio.nothing_happened().await;
}

/// G6: a rolling restart, T = 10 s.
pub(crate) async fn each_server_is_restarted_in_turn(strategy: Strategy) {
    let trio = trio(strategy).await;
    for server in 0..3 {
        trio.world.ensemble.server(server).restart().await.unwrap();
        trio.world.ensemble.wait_for_quorum().await.unwrap();
        trio.master.holding(trio.master.history.mark()).await;
    }
    trio.nothing_happened().await;
}

/// Without a quorum for 2 T the master steps down in time, and there is one again afterwards.
pub(crate) async fn the_quorum_is_lost_for_twice_the_timeout(strategy: Strategy) {
    let mut world = World::new(strategy, 3, Duration::from_secs(2)).await;
    let a = world.campaign("a");
    let (_, first, mark) = a.master(0).await;
    let b = world.campaign("b");
    b.standby(0, "outranked").await;
    world.ensemble.server(0).kill();
    world.ensemble.server(1).kill();
    a.standby(mark, "lease_ending").await;
    // What is waited for is time itself.
    tokio::time::sleep(2 * world.timeout).await;
    let (a_mark, b_mark) = (a.history.mark(), b.history.mark());
    world.ensemble.server(0).launch().await.unwrap();
    world.ensemble.server(1).launch().await.unwrap();
    world.ensemble.wait_for_quorum().await.unwrap();
    let second = tokio::select! {
        (_, token, _) = a.master(a_mark) => token,
        (_, token, _) = b.master(b_mark) => token,
    };
    assert!(second > first);
    world.finish(vec![a, b]).await;
}

/// G6: while the ensemble's leader is silent nobody can tell a living session from a dead one. For T/5 that is fine.
pub(crate) async fn the_ensembles_leader_is_frozen_for_a_moment(strategy: Strategy) {
    let trio = trio(strategy).await;
    let leader = trio.world.ensemble.leader().await.unwrap();
    for _ in 0..3 {
        trio.world.ensemble.server(leader).pause();
        // What is waited for is time itself.
        tokio::time::sleep(trio.world.timeout / 5).await;
        trio.world.ensemble.server(leader).resume();
        trio.world.ensemble.wait_for_quorum().await.unwrap();
        // Until the lease is fresh again, which the next answers of the quorum bring about.
        let fresh = |what: &What| matches!(what, What::Holding { remaining, .. } if remaining.is_some_and(|left| left > 5.0));
        trio.master.history.wait(trio.master.history.mark(), "a fresh lease", fresh).await;
    }
    trio.nothing_happened().await;
}
