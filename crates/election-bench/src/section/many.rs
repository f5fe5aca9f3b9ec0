//! Thousands of elections of one process, on one session.

use std::time::Duration;

use crate::measure::{resident, servers, wait_for_watches, watches};
use crate::peer::{Kind, Peer};
use crate::report::{Bar, Chart, Part, Table, number};
use crate::section::Scale;
use crate::stats::Samples;
use crate::{Outcome, progress};
use zookeeper_testkit::Ensemble;

const HOW: &str = "One process with one session becomes master of all elections; another joins all as standby; the first \
    closes its session, and the second takes over. The two are at the two followers. Fresh processes and paths for each round, all subjects in turns on the same \
    servers, medians of the rounds. Elect: until the last handler has run. Join: until the servers hold every watch that a standby \
    needs, and with ours every role has heard that it is standby. Take over: from the call that closes the session to the last \
    handler. The JVM is warmed up with a sixteenth as many elections before. Memory: resident, of the process of the masters once \
    all are elected; Curator's after a collection of garbage. The floor sends the fewest requests with the bare client, 48 \
    requests in flight.";

const TIMEOUT: Duration = Duration::from_secs(30);
const KINDS: [Kind; 5] = [Kind::Queue, Kind::QueueFloor, Kind::Lock, Kind::LockFloor, Kind::Curator];

/// One round of one subject, in seconds and MiB.
#[derive(Clone, Copy)]
struct Round {
    elect: f64,
    join: f64,
    take_over: f64,
    memory: f64,
}

type Field = (&'static str, fn(&Round) -> f64, &'static str);
const FIELDS: [Field; 4] = [
    ("elect", |round| round.elect, "s"),
    ("join", |round| round.join, "s"),
    ("take over", |round| round.take_over, "s"),
    ("memory", |round| round.memory, "MiB"),
];

/// How many watches the servers hold for one standby at least.
fn watches_of_a_standby(kind: Kind) -> usize {
    match kind {
        // Its own znode, and the one before.
        Kind::Queue => 2,
        _ => 1,
    }
}

pub(crate) async fn run(scale: Scale) -> Outcome<Part> {
    let (sizes, rounds): (&[usize], _) = if scale.is_quick() { (&[200], 1) } else { (&[5_000, 10_000], 3) };
    let mut part = Part {
        name: "many",
        title: "Many elections on one session".to_owned(),
        how: format!("{HOW} Rounds: {rounds}."),
        tables: Vec::new(),
        bars: Vec::new(),
        charts: Vec::new(),
    };
    for &size in sizes {
        let ensemble = servers().setting("jute.maxbuffer", 16 << 20).start().await?;
        let mut taken: Vec<_> = KINDS.iter().map(|kind| (*kind, Vec::new())).collect();
        for round in 0..rounds {
            for (kind, rounds) in &mut taken {
                progress(&format!("many: {size} elections, round {round}, {}", kind.name()));
                rounds.push(one(*kind, &ensemble, size, round).await?);
            }
        }
        add(&mut part, size, &taken);
    }
    Ok(part)
}

async fn one(kind: Kind, ensemble: &Ensemble, size: usize, round: usize) -> Outcome<Round> {
    let root = format!("/{}-{round}", kind.word());
    super::create(ensemble, [root.clone(), format!("{root}/warm"), format!("{root}/all")]).await?;
    let places = super::servers_for(ensemble).await?;
    let connect = |session| format!("{}{root}", super::server_of(&places, session));
    let (mut first, mut second) = (Peer::start(kind).await?, Peer::start(kind).await?);
    for (peer, session) in [(&mut first, 1), (&mut second, 2)] {
        peer.session(session, &connect(session), TIMEOUT).await?;
    }
    if kind == Kind::Curator {
        warm_up(&mut first, &mut second, &connect, size / 16).await?;
    }
    let started = first.campaign(1, "/all", size).await?;
    let elected = first.masters(1, size).await?;
    if kind == Kind::Curator {
        first.live().await?;
    }
    let memory = resident(first.process())?;

    let before = settled(ensemble).await?;
    let joining = second.campaign(2, "/all", size).await?;
    let mut joined = wait_for_watches(ensemble, before + size * watches_of_a_standby(kind)).await?;
    if kind.is_ours() {
        joined = joined.max(second.told(2, size).await?);
    }
    second.standing(2).await?;

    let closed = first.close(1).await?;
    let taken_over = second.masters(2, size).await?;
    let seconds = |from: u64, to: u64| (to - from) as f64 / 1e9;
    Ok(Round {
        elect: seconds(started, elected),
        join: seconds(joining, joined),
        take_over: seconds(closed, taken_over),
        memory,
    })
}

/// Has the JVM compile what will be measured: elections, joins and takeovers of another session.
async fn warm_up(
    first: &mut Peer,
    second: &mut Peer,
    connect: impl Fn(u32) -> String,
    size: usize,
) -> Outcome<()> {
    for (one, other) in [(11, 12), (13, 14)] {
        first.session(one, &connect(1), TIMEOUT).await?;
        second.session(other, &connect(2), TIMEOUT).await?;
        let path = format!("/warm/{one}");
        first.campaign(one, &path, size).await?;
        first.masters(one, size).await?;
        second.campaign(other, &path, size).await?;
        second.standing(other).await?;
        first.close(one).await?;
        second.masters(other, size).await?;
        second.close(other).await?;
        std::mem::swap(first, second);
    }
    Ok(())
}

/// How many watches there are once no more come.
async fn settled(ensemble: &Ensemble) -> Outcome<usize> {
    let mut last = watches(ensemble).await?;
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let now = watches(ensemble).await?;
        if now == last {
            return Ok(now);
        }
        last = now;
    }
}

fn add(part: &mut Part, size: usize, taken: &[(Kind, Vec<Round>)]) {
    let median = |kind: Kind, of: fn(&Round) -> f64| {
        let rounds = taken.iter().find(|(found, _)| *found == kind).map(|(_, rounds)| rounds.as_slice());
        rounds.unwrap_or_default().iter().map(of).collect::<Samples>().median()
    };
    let head = [
        "elect, s",
        "join, s",
        "take over, s",
        "memory, MiB",
        "elect : floor",
        "join : floor",
        "take over : floor",
    ];
    let mut table = Table::new(&[&[format!("{size} elections").as_str()], head.as_slice()].concat());
    for kind in KINDS {
        let floor = match kind {
            Kind::Lock | Kind::LockFloor => Kind::LockFloor,
            _ => Kind::QueueFloor,
        };
        let values = FIELDS.map(|(_, of, _)| number(median(kind, of)));
        let ratios = FIELDS[..3].iter().map(|(_, of, _)| number(median(kind, *of) / median(floor, *of)));
        table.row([kind.name().to_owned()].into_iter().chain(values).chain(ratios));
    }
    part.tables.push(table);
    for kind in [Kind::Queue, Kind::Lock] {
        for ((name, of, _), wanted) in FIELDS.iter().zip([4.0, 1.3, 3.0, 5.0]) {
            let ratio = median(Kind::Curator, *of) / median(kind, *of);
            part.bars.push(Bar::at_least(
                format!("{size}: Curator : {}, {name}", kind.name()),
                ratio,
                wanted,
                "",
            ));
        }
    }
    for (name, of, unit) in FIELDS {
        let bar = |kind: &Kind| {
            let value = median(*kind, of);
            (kind.name().to_owned(), value, format!("{} {unit}", number(value)))
        };
        let title = format!("{size} elections on one session: {name}");
        part.charts.push(Chart { title, bars: KINDS.iter().map(bar).collect() });
    }
}
