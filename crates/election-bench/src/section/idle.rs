//! What does a process cost while nothing happens?

use std::time::Duration;

use tokio::time::sleep;

use crate::measure::{Counters, processor_time, resident, servers};
use crate::peer::{Kind, Peer};
use crate::report::{Chart, Part, Table, number};
use crate::section::Scale;
use crate::{Outcome, progress};

const HOW: &str = "One process with one session at T = 10 s is master of all its elections, and nothing happens: its processor \
    time, and the packets that the servers receive from it. Ours sends a probe every T/10 and pings; Curator pings every T/3.";

const TIMEOUT: Duration = Duration::from_secs(10);
/// Until compilers and collectors of garbage have calmed down.
const CALM: Duration = Duration::from_secs(10);

pub(crate) async fn run(scale: Scale) -> Outcome<Part> {
    let (sizes, time): (&[usize], _) = if scale.is_quick() {
        (&[20], Duration::from_millis(300))
    } else {
        (&[1, 10_000], Duration::from_secs(20))
    };
    let ensemble = servers().start().await?;
    let mut table =
        Table::new(&["elections, subject", "processor, % of a core", "requests a second", "memory, MiB"]);
    let mut chart = Chart {
        title: format!("Idle: processor, {} elections", sizes.last().copied().unwrap_or(0)),
        bars: Vec::new(),
    };
    for &size in sizes {
        for kind in [Kind::Queue, Kind::Lock, Kind::Curator] {
            progress(&format!("idle: {size} elections, {}", kind.name()));
            let root = format!("/{}-{size}", kind.word());
            super::create(&ensemble, [root.clone(), format!("{root}/idle")]).await?;
            let mut peer = Peer::start(kind).await?;
            peer.session(1, &format!("{}{root}", ensemble.connect_string()), TIMEOUT).await?;
            peer.campaign(1, "/idle", size).await?;
            peer.masters(1, size).await?;
            if !scale.is_quick() {
                sleep(CALM).await;
            }
            let (before, used) = (Counters::read(&ensemble).await?, processor_time(peer.process())?);
            sleep(time).await;
            let used = processor_time(peer.process())?.saturating_sub(used);
            // Each server was asked once for what it counts.
            let asked = ensemble.len() as f64;
            let requests = Counters::read(&ensemble).await?.since(before).received - asked;
            let share = 100.0 * used.as_secs_f64() / time.as_secs_f64();
            let cells = [share, requests / time.as_secs_f64(), resident(peer.process())?].map(number);
            table.row([format!("{size}, {}", kind.name())].into_iter().chain(cells));
            if Some(&size) == sizes.last() {
                chart.bars.push((kind.name().to_owned(), share, format!("{} %", number(share))));
            }
        }
    }
    Ok(Part {
        name: "idle",
        title: "Idle".to_owned(),
        how: format!("{HOW} Over {} s.", time.as_secs()),
        tables: vec![table],
        bars: Vec::new(),
        charts: vec![chart],
    })
}
