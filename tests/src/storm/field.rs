//! Where the storm takes place: the servers, and the candidates at their stands.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use zookeeper_testkit::Ensemble;

use super::log::Log;
use super::now;
use super::plan::{Which, Who};
use super::settings::{SYNC_LIMIT, Settings};
use super::stand::Stand;
use super::weather::{Weather, observe};
use crate::history::PATIENCE;
use crate::judge::Ended;
use crate::{elect, naive, nothing_left};

/// Between two looks at something that nobody tells of.
const LOOK: Duration = Duration::from_millis(50);

/// Servers, candidates, and what is known of them.
pub(super) struct Field {
    pub(super) settings: Settings,
    /// Before the servers, so that they end before them.
    pub(super) stands: Vec<Stand>,
    pub(super) ensemble: Ensemble,
    pub(super) log: Log,
    pub(super) weather: Weather,
    /// Sessions that the nemesis has ended.
    pub(super) ended: RefCell<Vec<Ended>>,
    /// Whether a move has its hands on the process of each server.
    taken: Vec<Cell<bool>>,
    /// When there was a first master everywhere.
    pub(super) began: Cell<f64>,
    created: f64,
    /// The candidates' logs.
    folder: TempDir,
}

/// The process of a server in the hands of one move, until this value is dropped.
pub(super) struct TakenServer<'a> {
    pub(super) index: usize,
    taken: &'a Cell<bool>,
}

impl Drop for TakenServer<'_> {
    fn drop(&mut self) {
        self.taken.set(false);
    }
}

impl Field {
    /// Starts everything, and waits until there is a master everywhere.
    ///
    /// # Panics
    ///
    /// If that does not come about.
    pub(super) async fn set_up(settings: Settings) -> Field {
        elect();
        naive();
        let ensemble = Ensemble::builder()
            .servers(3)
            .tick(settings.tick)
            .sync_limit(SYNC_LIMIT)
            .partable()
            .start()
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let folder = tempfile::Builder::new().prefix("storm-").tempdir().expect("a temporary folder");
        let mut stands = Vec::new();
        for (election, set) in settings.elections.iter().enumerate() {
            for number in 0..set.candidates {
                let name = format!("{}{number}", set.path.trim_start_matches('/').replace('/', "-"));
                let stand = Stand::new(&name, election, set, settings.elector, &ensemble, folder.path());
                stands.push(stand.expect("proxies"));
            }
        }
        stands.iter().for_each(Stand::start);
        let field = Field {
            settings,
            stands,
            ensemble,
            log: Log::default(),
            weather: Weather::new(),
            ended: RefCell::default(),
            taken: vec![Cell::new(false); 3],
            began: Cell::new(0.0),
            created: now(),
            folder,
        };
        let calm = async { field.calm().await.unwrap_or_else(|trouble| panic!("{trouble}")) };
        tokio::select! {
            () = calm => {}
            never = observe(&field) => match never {},
        }
        field.began.set(now());
        field
    }

    /// Seconds since the beginning.
    pub(super) fn age(&self) -> f64 {
        now() - self.created
    }

    /// Waits, for 90 s at most, until all servers serve, all candidates are connected, and there is a master everywhere
    /// that holds a lease. Faults have to be over.
    pub(super) async fn calm(&self) -> Result<(), String> {
        let since = now();
        let deadline = Instant::now() + PATIENCE;
        while let Some(missing) = self.missing(since) {
            self.restart_if_stuck().await?;
            if Instant::now() > deadline {
                return Err(format!("{PATIENCE:?} after the faults were over: {missing}"));
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Waits, for 90 s at most, until nothing of anybody is left at the servers. Candidates have to be stopped.
    pub(super) async fn clean(&self) -> Result<(), String> {
        let clean = nothing_left(&self.ensemble);
        let watch = async {
            loop {
                if let Err(trouble) = self.restart_if_stuck().await {
                    return trouble;
                }
                sleep(LOOK).await;
            }
        };
        tokio::select! {
            clean = clean => clean,
            trouble = watch => Err(trouble),
        }
    }

    async fn restart_if_stuck(&self) -> Result<(), String> {
        if self.weather.is_stuck() {
            super::say("the ensemble is complete and commits nothing: its servers are restarted");
            self.ensemble.restart_all().await.map_err(|error| error.to_string())?;
            self.weather.restarted();
        }
        Ok(())
    }

    /// What is not yet as it should be.
    fn missing(&self, since: f64) -> Option<String> {
        if !self.weather.is_complete() {
            return Some("the ensemble is not complete".to_owned());
        }
        let mut held = vec![false; self.settings.elections.len()];
        for stand in &self.stands {
            let standing = stand.standing();
            if !standing.connected {
                return Some(format!("{} is not connected", stand.name));
            }
            held[stand.election] |= standing.master.is_some() && standing.held.is_some_and(|at| at > since);
        }
        let without = held.iter().position(|held| !held)?;
        Some(format!("{} has no master", self.settings.elections[without].path))
    }

    /// The stand of this candidate.
    pub(super) fn find(&self, who: Who) -> &Stand {
        let (election, number) = match who {
            Who::Master(election) => (election, 0),
            Who::Candidate(election, number) => (election, number),
        };
        let mut all = self.stands.iter().filter(|stand| stand.election == election);
        let master = match who {
            Who::Master(_) => all.clone().find(|stand| stand.standing().master.is_some()),
            Who::Candidate(..) => None,
        };
        master.or_else(|| all.nth(number)).unwrap_or(&self.stands[0])
    }

    /// The number of a stand.
    pub(super) fn number(&self, stand: &Stand) -> usize {
        self.stands.iter().position(|other| std::ptr::eq(other, stand)).unwrap_or(0)
    }

    /// The numbers of all stands in an election.
    pub(super) fn numbers(&self, election: usize) -> Vec<usize> {
        (0..self.stands.len()).filter(|number| self.stands[*number].election == election).collect()
    }

    /// The number of this server.
    pub(super) fn find_server(&self, which: Which) -> usize {
        match which {
            Which::Leader => self.weather.leader().unwrap_or(0),
            Which::MastersServer(election) => self.find(Who::Master(election)).server().unwrap_or(0),
            Which::Server(number) => number,
        }
    }

    /// Takes hold of the process of a server, unless somebody else has.
    pub(super) fn take_server(&self, index: usize) -> Option<TakenServer<'_>> {
        let taken = &self.taken[index];
        (!taken.replace(true)).then_some(TakenServer { index, taken })
    }

    /// Keeps memory from growing for hours.
    pub(super) fn forget_records(&self) {
        self.stands.iter().for_each(Stand::forget_records);
    }

    /// Ends all candidates in order, and says what went wrong.
    pub(super) async fn stop_all(&self) -> Vec<String> {
        let mut troubles = Vec::new();
        for stand in &self.stands {
            if let Some(taken) = stand.take()
                && let Err(trouble) = taken.stop().await
            {
                troubles.push(trouble);
            }
        }
        troubles
    }

    /// Writes everything that is known into a folder.
    pub(super) fn keep(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let faults: Vec<_> = self.log.faults().iter().map(ToString::to_string).collect();
        fs::write(folder.join("faults"), faults.join("\n"))?;
        for stand in &self.stands {
            let mut text = String::new();
            for (process, events) in stand.said() {
                for event in events {
                    text.push_str(&format!("{process} {:.6} {:?}\n", event.at, event.what));
                }
            }
            fs::write(folder.join(format!("{}.history", stand.name)), text)?;
            let log = format!("{}.log", stand.name);
            if self.folder.path().join(&log).exists() {
                fs::copy(self.folder.path().join(&log), folder.join(&log))?;
            }
        }
        for server in self.ensemble.servers() {
            fs::copy(server.log(), folder.join(format!("server-{}.log", server.index())))?;
        }
        Ok(())
    }
}
