//! What can be given on the command line, and what cannot be used.

mod ensemble;
mod help;
mod refusal;
mod values;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use actix_election::{Address, ElectionPath};
use clap::builder::{Resettable, StyledStr};
use clap::error::ErrorKind;
use clap::{ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use tracing::level_filters::LevelFilter;

pub(crate) use self::ensemble::EnsembleArgs;
use self::values::{
    address, container_interval, election_path, holding, label, listen, session_timeout, tick,
};
use crate::colour::Colour;

/// The whole command line.
pub(crate) struct Cli {
    pub(crate) ensemble: EnsembleArgs,
    pub(crate) command: Command,
}

/// The same, as it is defined.
#[derive(Parser)]
#[command(
    name = "elect",
    version,
    about = "Leader election on ZooKeeper: campaign, see who is master, hand over",
    long_about = help::ABOUT,
    after_long_help = help::AFTER,
    subcommand_required = true,
    arg_required_else_help = false,
    disable_help_subcommand = true,
    max_term_width = 100
)]
struct Definition {
    #[command(flatten)]
    _ensemble: EnsembleArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Compete for the role until a signal comes, then hand over in order
    #[command(long_about = help::CAMPAIGN, after_long_help = help::CAMPAIGN_AFTER)]
    Campaign(CampaignArgs),
    /// Say who is master
    #[command(long_about = help::STATUS, after_long_help = help::STATUS_AFTER)]
    Status(PathArgs),
    /// Say who is master, now and on every change
    #[command(long_about = help::WATCH, after_long_help = help::WATCH_AFTER)]
    Watch(PathArgs),
    /// Ask the master to step down in order
    #[command(long_about = help::RESIGN, after_long_help = help::RESIGN_AFTER)]
    Resign(PathArgs),
    /// Run a ZooKeeper inside this process, to try things on
    #[command(long_about = help::DEV, after_long_help = help::DEV_AFTER)]
    Dev(DevArgs),
    /// Print a script that completes command lines of elect
    #[command(long_about = help::COMPLETIONS, after_long_help = help::COMPLETIONS_AFTER)]
    Completions(CompletionsArgs),
    /// Print a manual page
    #[command(long_about = help::MAN, after_long_help = help::MAN_AFTER)]
    Man(ManArgs),
}

#[derive(Args)]
pub(crate) struct CompletionsArgs {
    /// The shell that it is for
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// Those with a manual page.
pub(crate) const COMMANDS: [&str; 7] = ["campaign", "status", "watch", "resign", "dev", "completions", "man"];

#[derive(Args)]
pub(crate) struct ManArgs {
    /// The command that the page is about; default: elect as a whole
    #[arg(value_parser = COMMANDS)]
    pub(crate) command: Option<String>,
}

#[derive(Args)]
pub(crate) struct DevArgs {
    /// Where to listen; port 0 means any free port
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:2181", value_parser = listen)]
    pub(crate) listen: SocketAddr,
    /// Its tick; it grants session timeouts of 2 to 20 ticks
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = tick)]
    pub(crate) tick: Duration,
    /// How many connections one address may have; 0 means no limit
    #[arg(long, value_name = "NUMBER", default_value = "60")]
    pub(crate) max_connections: usize,
    /// How often to look for empty containers
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = container_interval)]
    pub(crate) container_interval: Duration,
    /// A folder for its data, which then survives restarts and crashes; default: memory only
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// What the server logs; overrides RUST_LOG
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub(crate) log: Option<Log>,
}

#[derive(Args)]
pub(crate) struct CampaignArgs {
    /// The election: a znode path, such as /master
    #[arg(value_parser = election_path)]
    pub(crate) path: ElectionPath,
    /// A local label for the events; default: the address, else host name and process id
    #[arg(long, value_parser = label)]
    id: Option<String>,
    /// The address that others see: where the master can be reached
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    pub(crate) address: Option<Address>,
    /// How candidates compete
    #[arg(long, value_enum, default_value = "lock")]
    pub(crate) strategy: Strategy,
    /// The session timeout to request: how long until a crash is noticed
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = session_timeout)]
    pub(crate) session_timeout: Duration,
    /// JSON instead of text: one object on each line
    #[arg(long)]
    pub(crate) json: bool,
    /// While master, print a `holding` event this often, if the lease is valid then
    #[arg(long, value_name = "DURATION", value_parser = holding)]
    pub(crate) holding: Option<Duration>,
}

impl CampaignArgs {
    /// The label of this candidate.
    pub(crate) fn id(&self) -> String {
        let address = || self.address.as_ref().map(|address| address.as_str().to_owned());
        self.id.clone().or_else(address).unwrap_or_else(|| {
            let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
            format!("{host}-{}", std::process::id())
        })
    }
}

#[derive(Args)]
pub(crate) struct PathArgs {
    /// The election: a znode path, such as /master
    #[arg(value_parser = election_path)]
    pub(crate) path: ElectionPath,
    /// JSON instead of text: one object on each line
    #[arg(long)]
    pub(crate) json: bool,
}

/// How candidates compete.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Strategy {
    /// One ephemeral znode at the path, whose data is the master's address
    Lock,
    /// First come, first served: a queue of znodes below the path
    Queue,
}

impl From<Strategy> for actix_election::Strategy {
    fn from(strategy: Strategy) -> Self {
        match strategy {
            Strategy::Lock => actix_election::Strategy::Lock,
            Strategy::Queue => actix_election::Strategy::Queue,
        }
    }
}

/// What a server logs; each level holds those before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Log {
    /// Nothing
    Off,
    /// Clients that are turned away
    Warn,
    /// Sessions and containers as they come and go
    Info,
    /// Connections and requests, without data
    Debug,
}

impl From<Log> for LevelFilter {
    fn from(log: Log) -> Self {
        match log {
            Log::Off => LevelFilter::OFF,
            Log::Warn => LevelFilter::WARN,
            Log::Info => LevelFilter::INFO,
            Log::Debug => LevelFilter::DEBUG,
        }
    }
}

/// What the command line asks for.
pub(crate) enum Parsed {
    /// Carry out a command.
    Run(Cli),
    /// Print this and be done: help, or the version.
    Show(String),
}

/// The command line cannot be used.
#[derive(Debug)]
pub(crate) struct Refused {
    /// One line that says what cannot be used, and what was expected.
    pub(crate) why: String,
    /// Where nothing at all was given: what there is.
    pub(crate) help: Option<String>,
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Refused { why, help: None }
    }
}

/// Reads the command line, and the environment where it says nothing.
///
/// # Errors
///
/// It cannot be used.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Parsed, Refused> {
    let args: Vec<_> = args.into_iter().collect();
    match command().try_get_matches_from(&args) {
        Ok(matches) => Ok(Parsed::Run(cli(&matches)?)),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(Parsed::Show(shown(&error.render()))),
            ErrorKind::InvalidUtf8 => Err(refusal::not_utf8(&args).into()),
            kind => {
                let alone = kind == ErrorKind::MissingSubcommand && args.len() <= 1;
                let help = alone.then(|| shown(&command().render_help()));
                Err(Refused { why: refusal::line(&error), help })
            }
        },
    }
}

fn cli(matches: &ArgMatches) -> Result<Cli, String> {
    let ensemble = EnsembleArgs::of(matches)?;
    // Before anything is started.
    ensemble.session().map(drop)?;
    let definition = Definition::from_arg_matches(matches).map_err(|error| refusal::line(&error))?;
    Ok(Cli { ensemble, command: definition.command })
}

/// As standard output takes it.
fn shown(text: &StyledStr) -> String {
    match Colour::of_stdout() {
        Colour::On => text.ansi().to_string(),
        Colour::Off => text.to_string(),
    }
}

/// The command line. A variable of the environment that is empty is one that is not set: where a script passes on what it
/// was given, that is the only way to say nothing.
pub(crate) fn command() -> clap::Command {
    fn unset_if_empty(arg: clap::Arg) -> clap::Arg {
        let empty = arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
        if empty { arg.env(Resettable::Reset) } else { arg }
    }
    let command = EnsembleArgs::behind(Definition::command());
    command.mut_args(unset_if_empty).mut_subcommands(|sub| sub.mut_args(unset_if_empty))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn run(line: &[&str]) -> Result<Cli, String> {
        let words = ["elect"].iter().chain(line).map(OsString::from);
        match parse(words).map_err(|refused| refused.why)? {
            Parsed::Run(cli) => Ok(cli),
            Parsed::Show(text) => panic!("{line:?} shows {text}"),
        }
    }

    fn campaign(line: &[&str]) -> CampaignArgs {
        match run(line) {
            Ok(Cli { command: Command::Campaign(args), .. }) => args,
            Ok(_) => panic!("{line:?} is another command"),
            Err(why) => panic!("{line:?}: {why}"),
        }
    }

    pub(super) fn refused(line: &[&str]) -> String {
        match run(line) {
            Ok(_) => panic!("{line:?} is accepted"),
            Err(why) => why,
        }
    }

    #[test]
    fn clap_finds_nothing_wrong_with_the_definition() {
        command().debug_assert();
    }

    #[test]
    fn a_campaign_has_the_documented_defaults() {
        let args = campaign(&["campaign", "/master"]);
        assert_eq!(args.path.as_str(), "/master");
        assert_eq!(args.session_timeout, Duration::from_secs(10));
        assert!(!args.json && args.holding.is_none() && args.address.is_none());
        assert_eq!(args.strategy, Strategy::Lock);
        assert_eq!(campaign(&["campaign", "/m", "--strategy", "queue"]).strategy, Strategy::Queue);
        assert!(args.id().ends_with(&format!("-{}", std::process::id())), "{}", args.id());
    }

    #[test]
    fn the_id_is_the_address_unless_it_is_given() {
        assert_eq!(campaign(&["campaign", "/m", "--address", "h:1"]).id(), "h:1");
        assert_eq!(campaign(&["campaign", "/m", "--address", "h:1", "--id", "a"]).id(), "a");
    }

    #[test]
    fn durations_are_for_people() {
        let args = campaign(&["campaign", "/m", "--session-timeout", "1m 30s", "--holding", "500ms"]);
        assert_eq!(args.session_timeout, Duration::from_secs(90));
        assert_eq!(args.holding, Some(Duration::from_millis(500)));
    }

    #[test]
    fn what_cannot_be_used_is_named_with_the_rule() {
        for (line, value, rule) in [
            (&["campaign", "master"][..], "'master'", "must start with a slash"),
            (&["campaign", "/m/"], "'/m/'", "must not end with a slash"),
            (&["campaign", "/m", "--address", "nowhere"], "'nowhere'", "must be host:port"),
            (&["campaign", "/m", "--session-timeout", "soon"], "'soon'", "such as 10s or 500ms"),
            (&["campaign", "/m", "--session-timeout", "10"], "'10'", "such as 10s or 500ms"),
            (&["campaign", "/m", "--session-timeout", "999ms"], "'999ms'", "from 1s to 1h"),
            (&["campaign", "/m", "--session-timeout", "2h"], "'2h'", "from 1s to 1h"),
            (&["campaign", "/m", "--holding", "0s"], "'0s'", "from 1ms to 1h"),
            (&["campaign", "/m", "--id", ""], "--id", "value"),
            (&["campaign", "/m", "--strategy", "chance"], "'chance'", "lock, queue"),
            (&["status", "/m", "--max-frame-size", "8MiB"], "'8MiB'", "from 1048576 to 1073741824 bytes"),
            (
                &["status", "/m", "--max-frame-size", "1048575"],
                "'1048575'",
                "from 1048576 to 1073741824 bytes",
            ),
            (&["campaign"], "<PATH>", "required"),
            (&["campaign", "/m", "--now"], "'--now'", "unexpected"),
            (&["rule", "/m"], "'rule'", "unrecognized"),
            (&[], "subcommand", "campaign, status, watch, resign"),
        ] {
            let why = refused(line);
            assert!(why.contains(value) && why.contains(rule), "{line:?}: {why}");
            assert!(!why.contains('\n'), "{line:?}: {why}");
        }
    }

    #[test]
    fn help_is_shown_and_is_no_failure() {
        for line in [&["elect", "--help"][..], &["elect", "-V"], &["elect", "campaign", "--help"]] {
            let shown = parse(line.iter().map(OsString::from));
            assert!(matches!(shown, Ok(Parsed::Show(text)) if text.contains("elect")), "{line:?}");
        }
    }
}
