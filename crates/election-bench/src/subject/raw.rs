//! The floor: the round trips of an election with nothing around them, by the bare client.
//!
//! There is no lease, no check, no recovery: these are no elections, only what any election of that shape has to wait for.
//! Sessions 1 and 2 stand against each other. Everything runs in one thread, so that nothing but the ensemble is waited for.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_local};
use zookeeper_async::{Acl, CreateMode, WatchedEvent, WatchedEventType, ZkError, ZooKeeper};

use super::board::Board;
use super::{Candidates, now};
use crate::Outcome;

/// Requests under way: the client crate has room for 64.
const WINDOW: usize = 48;
/// Between two looks whether the other has created the znode.
const LOOK: Duration = Duration::from_millis(2);

/// What stands for an election.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Floor {
    /// A znode for each candidate; the second watches that of the first and is master when it has gone.
    Queue,
    /// One znode; the second watches it, and is master when it has created it again.
    Lock,
}

impl Floor {
    /// Elections whose requests are under way: how many requests each has at a time.
    fn window(self) -> usize {
        match self {
            Floor::Queue => WINDOW / 2,
            Floor::Lock => WINDOW,
        }
    }
}

pub(crate) struct Raw {
    floor: Floor,
    board: Arc<Board>,
    sessions: BTreeMap<u32, Rc<RawSession>>,
    /// The one that resigned stands in its first election again.
    returning: Option<JoinHandle<Outcome<()>>>,
}

struct RawSession {
    number: u32,
    floor: Floor,
    client: ZooKeeper,
    board: Arc<Board>,
    /// The elections whose znode has gone.
    gone: mpsc::UnboundedSender<Place>,
}

/// One election: its number and its path.
type Place = (usize, String);

impl Raw {
    pub(crate) fn new(floor: Floor, board: Arc<Board>) -> Self {
        Raw { floor, board, sessions: BTreeMap::new(), returning: None }
    }

    fn get(&self, session: u32) -> Outcome<Rc<RawSession>> {
        self.sessions.get(&session).cloned().ok_or_else(|| format!("no session {session}").into())
    }
}

impl Candidates for Raw {
    async fn session(&mut self, session: u32, connect: &str, timeout: Duration) -> Outcome<()> {
        let client = ZooKeeper::connect(connect, timeout, |_: WatchedEvent| ()).await?;
        let (gone, mut places) = mpsc::unbounded_channel::<Place>();
        let (floor, board) = (self.floor, Arc::clone(&self.board));
        let own = Rc::new(RawSession { number: session, floor, client, board, gone });
        let successor = Rc::clone(&own);
        spawn_local(async move {
            let places = stream::poll_fn(move |context| places.poll_recv(context));
            // The queue's watchers have counted themselves.
            let create = |place: Place| async { successor.stand(place, false).await };
            places.map(create).buffer_unordered(floor.window()).collect::<Vec<_>>().await;
        });
        self.sessions.insert(session, own);
        Ok(())
    }

    async fn campaign(&mut self, session: u32, path: &str, count: usize) -> Outcome<()> {
        let own = self.get(session)?;
        let places = (0..count).map(|index| (index, format!("{path}/{index}")));
        // The first session has stood in them before the second comes.
        let stood = stream::iter(places).map(|place| own.stand(place, session == 2));
        let stood = stood.buffer_unordered(self.floor.window());
        stood.collect::<Vec<_>>().await.into_iter().collect()
    }

    async fn standing(&mut self, _: u32) -> Outcome<()> {
        match self.returning.take() {
            Some(returning) => returning.await?,
            None => Ok(()),
        }
    }

    async fn resign(&mut self, session: u32) -> Outcome<()> {
        let own = self.get(session)?;
        let place = (0, format!("{}/0", super::HANDOVER));
        own.board.standby(session, 0, now(), true);
        own.client.delete(&own.znode(&place.1, session), None).await?;
        self.returning = Some(spawn_local(async move {
            while own.floor == Floor::Lock && own.client.exists(&place.1, false).await?.is_none() {
                tokio::time::sleep(LOOK).await;
            }
            own.stand(place, true).await
        }));
        Ok(())
    }

    async fn close(&mut self, session: u32) -> Outcome<()> {
        Ok(self.get(session)?.client.close().await?)
    }
}

impl RawSession {
    fn znode(&self, path: &str, session: u32) -> String {
        match self.floor {
            Floor::Queue => format!("{path}-{session}"),
            Floor::Lock => path.to_owned(),
        }
    }

    /// Becomes master, or waits for the other to go. Where that one is likely to be there already, it looks first.
    async fn stand(&self, place: Place, likely_second: bool) -> Outcome<()> {
        let own = self.znode(&place.1, self.number);
        let acl = Acl::open_unsafe().clone();
        let create = self.client.create(&own, Vec::new(), acl, CreateMode::Ephemeral);
        let first = match self.floor {
            // Both are on their way at once.
            Floor::Queue => {
                let (created, first) = futures::join!(create, self.is_first(&place));
                created?;
                first?
            }
            Floor::Lock if likely_second && !self.is_first(&place).await? => false,
            Floor::Lock => match create.await {
                Ok(_) => true,
                Err(ZkError::NodeExists) => self.is_first(&place).await?,
                Err(error) => return Err(error.into()),
            },
        };
        if first {
            self.board.master(self.number, place.0, now());
        }
        Ok(())
    }

    /// Whether there is nobody to wait for; otherwise waits for them with a watch.
    async fn is_first(&self, place: &Place) -> Outcome<bool> {
        let (board, number, floor) = (Arc::clone(&self.board), self.number, self.floor);
        let (gone, gone_place) = (self.gone.clone(), place.clone());
        let watcher = move |event: WatchedEvent| {
            if event.event_type != WatchedEventType::NodeDeleted {
                return;
            }
            match floor {
                Floor::Queue => board.master(number, gone_place.0, now()),
                // An error says that the session is gone.
                Floor::Lock => drop(gone.send(gone_place)),
            }
        };
        // Sessions 1 and 2.
        match self.client.get_data_w(&self.znode(&place.1, 3 - self.number), watcher).await {
            Ok(_) => Ok(false),
            Err(ZkError::NoNode) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }
}
