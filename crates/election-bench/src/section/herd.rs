//! One election with many candidates: what does a change of the master cost the servers?

use std::time::Duration;

use tokio::time::sleep;
use zookeeper_testkit::Ensemble;

use crate::measure::{Counters, servers};
use crate::peer::{Kind, Peer};
use crate::report::{Bar, Chart, Part, Table, number};
use crate::section::Scale;
use crate::stats::Samples;
use crate::{Outcome, progress};

const HOW: &str = "All candidates of a subject in one process, with a session each, evenly at the three servers. The master resigns and stands again: what \
    all servers together count until everything is quiet, less what they count in the same time without a change. \"Watches \
    fired\" are those of deleted znodes, by the servers' own counter; packets are requests and replies and events.";

/// Long, so that probes and pings are few beside what is counted.
const TIMEOUT: Duration = Duration::from_secs(120);
/// What a change causes is over after this.
const WINDOW: Duration = Duration::from_millis(700);
/// So much longer between changes each time: the changes would else keep step with the probes.
const STAGGER: Duration = Duration::from_millis(97);
const KINDS: [Kind; 4] = [Kind::Queue, Kind::Lock, Kind::Curator, Kind::Kazoo];

struct Herd {
    kind: Kind,
    size: usize,
    time: Samples,
    packets: Samples,
    fired: Samples,
}

pub(crate) async fn run(scale: Scale) -> Outcome<Part> {
    let (sizes, changes): (&[usize], _) = if scale.is_quick() { (&[3], 1) } else { (&[10, 100, 500], 15) };
    let mut herds = Vec::new();
    for &size in sizes {
        // Servers that have seen the same for each subject.
        let ensemble = servers().start().await?;
        for kind in KINDS {
            progress(&format!("herd: {size} candidates, {}", kind.name()));
            herds.push(herd(kind, &ensemble, size, changes).await?);
        }
    }
    Ok(part(sizes, &herds, changes))
}

async fn herd(kind: Kind, ensemble: &Ensemble, size: usize, changes: usize) -> Outcome<Herd> {
    let root = format!("/{}", kind.word());
    super::create(ensemble, [root.clone(), format!("{root}/herd")]).await?;
    let places = super::servers_for(ensemble).await?;
    let mut peer = Peer::start(kind).await?;
    let candidates = u32::try_from(size)?;
    for session in 1..=candidates {
        let connect = format!("{}{root}", super::server_of(&places, session));
        peer.session(session, &connect, TIMEOUT).await?;
        peer.campaign(session, "/herd", 1).await?;
    }
    let (_, mut master) = peer.next(0).await?;
    let (mut time, mut packets, mut fired) = (Vec::new(), Vec::new(), Vec::new());
    for change in 0..changes {
        sleep(STAGGER * u32::try_from(change)?).await;
        for session in 1..=candidates {
            peer.standing(session).await?;
        }
        let quiet = counted(ensemble, async { Ok(()) }).await?.0;
        let (with, (taken, next)) = counted(ensemble, async {
            let resigned = peer.resign(master).await?;
            let (at, next) = peer.next(resigned).await?;
            Ok(((at - resigned) as f64 / 1e6, next))
        })
        .await?;
        time.push(taken);
        packets.push(with.received + with.sent - quiet.received - quiet.sent);
        fired.push(with.deletions_told);
        master = next;
    }
    let samples = |values: Vec<f64>| values.into_iter().collect::<Samples>();
    Ok(Herd { kind, size, time: samples(time), packets: samples(packets), fired: samples(fired) })
}

/// What the servers count around an action, and a while after it.
async fn counted<T>(ensemble: &Ensemble, action: impl Future<Output = Outcome<T>>) -> Outcome<(Counters, T)> {
    let before = Counters::read(ensemble).await?;
    let outcome = action.await?;
    sleep(WINDOW).await;
    Ok((Counters::read(ensemble).await?.since(before), outcome))
}

fn part(sizes: &[usize], herds: &[Herd], changes: usize) -> Part {
    let mut table = Table::new(&[
        "candidates, subject",
        "watches fired, median",
        "most",
        "packets, median",
        "time, ms, median",
        "p99",
    ]);
    for herd in herds {
        let cells = [
            herd.fired.median(),
            herd.fired.greatest(),
            herd.packets.median(),
            herd.time.median(),
            herd.time.p99(),
        ];
        table.row([format!("{}, {}", herd.size, herd.kind.name())].into_iter().chain(cells.map(number)));
    }
    let of =
        |kind, size: Option<&usize>| herds.iter().find(|herd| herd.kind == kind && Some(&herd.size) == size);
    let mut bars = Vec::new();
    if let (Some(few), Some(many)) = (of(Kind::Queue, sizes.first()), of(Kind::Queue, sizes.last())) {
        let (fewest, most) = (few.size, many.size);
        let name = format!("`Queue`: watches fired with {most} : with {fewest}");
        bars.push(Bar::at_most(name, many.fired.median() / few.fired.median(), 1.0, ""));
        let name = format!("`Queue`: packets with {most} : with {fewest}");
        bars.push(Bar::at_most(name, many.packets.median() / few.packets.median(), 1.5, ""));
        let name = format!("`Queue`: time with {most} : with {fewest}");
        bars.push(Bar::at_most(name, many.time.median() / few.time.median(), 1.5, ""));
    }
    let largest: Vec<_> = herds.iter().filter(|herd| Some(&herd.size) == sizes.last()).collect();
    let chart = |title: &str, value: fn(&Herd) -> f64, unit: &str| Chart {
        title: format!("{title}, {} candidates (median)", sizes.last().copied().unwrap_or(0)),
        bars: largest
            .iter()
            .map(|herd| (herd.kind.name().to_owned(), value(herd), format!("{}{unit}", number(value(herd)))))
            .collect(),
    };
    Part {
        name: "herd",
        title: "One election, many candidates".to_owned(),
        how: format!("{HOW} {changes} changes each."),
        tables: vec![table],
        charts: vec![
            chart("A change: packets of the servers", |herd| herd.packets.median(), ""),
            chart("A change: time", |herd| herd.time.median(), " ms"),
        ],
        bars,
    }
}
