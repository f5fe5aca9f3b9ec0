//! The master resigns; when does the handler of the next one run?

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::measure::servers;
use crate::peer::{Kind, Peer};
use crate::report::{Bar, Chart, Part, Table, number};
use crate::section::Scale;
use crate::stats::Samples;
use crate::subject::HANDOVER;
use crate::{Outcome, progress};

const HOW: &str = "Two candidates with a session each, in one process, at the two followers, hand over to each other in turns; all subjects in \
    turns on the same servers, one handover each a round. From the call that resigns to the handler of the next master, by one \
    clock. The floor of `Queue` is the bare client's \"delete -> watch event\", that of `Lock` \"delete -> watch event -> \
    create\". Curator's latch is closed, and a new one started; kazoo's function returns. Rounds before the JVM is warm do not \
    count.";

const TIMEOUT: Duration = Duration::from_secs(10);
/// Between two handovers of the same subject: the one that resigned stands again well before.
const REST: Duration = Duration::from_millis(60);

struct Subject {
    peer: Peer,
    master: u32,
    rested: Instant,
    taken: Vec<f64>,
}

impl Subject {
    async fn start(kind: Kind, servers: &[String]) -> Outcome<Self> {
        let mut peer = Peer::start(kind).await?;
        let path = path_of(kind);
        for session in [1, 2] {
            let connect = format!("{}{path}", super::server_of(servers, session));
            peer.session(session, &connect, TIMEOUT).await?;
            peer.campaign(session, HANDOVER, 1).await?;
            peer.standing(session).await?;
        }
        peer.masters(1, 1).await?;
        Ok(Subject { peer, master: 1, rested: Instant::now() + REST, taken: Vec::new() })
    }

    async fn hand_over(&mut self) -> Outcome<()> {
        sleep_until(self.rested).await;
        let resigned = self.peer.resign(self.master).await?;
        let (at, next) = self.peer.next(resigned).await?;
        // Where the machine stood still for longer than the resigned one stays out, it is the next one itself.
        self.taken.push((at - resigned) as f64 / 1e6);
        self.peer.standing(self.master).await?;
        self.master = next;
        self.rested = Instant::now() + REST;
        Ok(())
    }
}

/// Each subject has a chroot of its own.
fn path_of(kind: Kind) -> String {
    format!("/{}", kind.word())
}

pub(crate) async fn run(scale: Scale) -> Outcome<Part> {
    let (warm_up, rounds) = if scale.is_quick() { (5, 20) } else { (300, 1_000) };
    let ensemble = servers().start().await?;
    super::create(&ensemble, Kind::ALL.map(path_of)).await?;
    super::create(&ensemble, Kind::ALL.map(|kind| path_of(kind) + HANDOVER)).await?;
    let places = super::servers_for(&ensemble).await?;
    let mut subjects = Vec::new();
    for kind in Kind::ALL {
        subjects.push(Subject::start(kind, &places).await?);
    }
    for round in 0..warm_up + rounds {
        if round % 100 == 0 {
            progress(&format!("handover: round {round} of {}", warm_up + rounds));
        }
        for subject in &mut subjects {
            subject.hand_over().await?;
        }
    }
    let taken = |subject: &Subject| -> Samples { subject.taken[warm_up..].iter().copied().collect() };
    Ok(part(&subjects.iter().map(|subject| (subject.peer.kind, taken(subject))).collect::<Vec<_>>()))
}

fn part(taken: &[(Kind, Samples)]) -> Part {
    let median =
        |kind| taken.iter().find(|(of, _)| *of == kind).map_or(f64::NAN, |(_, taken)| taken.median());
    let curator = median(Kind::Curator);
    let mut table = Table::new(&["handover, ms", "median", "p99", "beside Curator's median"]);
    for (kind, taken) in taken {
        let cells = [taken.median(), taken.p99(), taken.median() / curator].map(number);
        table.row([kind.name().to_owned()].into_iter().chain(cells));
    }
    let (queue, lock) = (median(Kind::Queue), median(Kind::Lock));
    let bars = vec![
        Bar::at_most("`Queue` above its floor", queue - median(Kind::QueueFloor), 0.5, " ms"),
        Bar::at_most("`Lock` above its floor", lock - median(Kind::LockFloor), 0.5, " ms"),
        Bar::at_most("`Queue` beside Curator", queue / curator, 0.5, ""),
        Bar::at_most("`Lock` beside Curator", lock / curator, 0.5, ""),
    ];
    let chart = |(kind, taken): &(Kind, Samples)| {
        (kind.name().to_owned(), taken.median(), format!("{} ms", number(taken.median())))
    };
    let charts = vec![Chart {
        title: "Handover: the master resigns, the next one's handler runs (median)".to_owned(),
        bars: taken.iter().map(chart).collect(),
    }];
    let rounds = taken.first().map_or(0, |(_, taken)| taken.len());
    Part {
        name: "handover",
        title: "Handover".to_owned(),
        how: format!("{HOW} {rounds} handovers of each."),
        tables: vec![table],
        bars,
        charts,
    }
}
