//! What can be given on the command line, and what cannot be used.

use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use actix_election::{Address, ElectionPath, Session, SessionBuilder};
use clap::builder::Resettable;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use tracing::level_filters::LevelFilter;

use crate::help;
use crate::values::{
    address, container_interval, election_path, frame_size, holding, label, listen, session_timeout, tick,
};

/// The whole command line.
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
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) ensemble: EnsembleArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where the ensemble is, and who asks: before or after the command.
#[derive(Args)]
#[command(next_help_heading = "Ensemble")]
pub(crate) struct EnsembleArgs {
    /// The servers, and a chroot that every path is below
    #[arg(
        long,
        global = true,
        env = "ELECT_ZOOKEEPER",
        default_value = "127.0.0.1:2181",
        value_name = "HOSTS[/CHROOT]",
        long_help = help::ZOOKEEPER
    )]
    zookeeper: String,
    /// Credentials, such as digest:user:password
    #[arg(
        long,
        global = true,
        env = "ELECT_AUTH",
        hide_env_values = true,
        value_name = "SCHEME:CREDENTIALS",
        value_parser = Secret::parse,
        long_help = help::AUTH
    )]
    auth: Option<Secret>,
    /// The longest reply of a server that is taken
    #[arg(
        long,
        global = true,
        default_value = "8388608",
        value_name = "BYTES",
        value_parser = frame_size,
        long_help = help::MAX_FRAME_SIZE
    )]
    max_frame_size: usize,
}

impl EnsembleArgs {
    /// Settings of a session at this ensemble.
    pub(crate) fn session(&self) -> Result<SessionBuilder, String> {
        let builder = Session::builder(&self.zookeeper).max_frame_size(self.max_frame_size);
        match &self.auth {
            None => Ok(builder),
            Some(secret) => {
                let (scheme, credentials) = secret.split()?;
                Ok(builder.auth(scheme, credentials))
            }
        }
    }
}

/// Something that is never shown.
#[derive(Clone)]
struct Secret(String);

impl Secret {
    /// Never fails: what clap refuses, it shows.
    #[allow(clippy::unnecessary_wraps, reason = "clap wants a result")]
    fn parse(text: &str) -> Result<Self, String> {
        Ok(Secret(text.to_owned()))
    }

    fn split(&self) -> Result<(&str, &str), String> {
        let rule = match self.0.split_once(':') {
            None => "it must be SCHEME:CREDENTIALS, such as digest:user:password",
            Some((scheme, _)) if scheme.is_empty() || !scheme.chars().all(|c| c.is_ascii_alphanumeric()) => {
                "before the first colon must stand a scheme, a word such as digest"
            }
            Some(("digest", credentials)) if !credentials.contains(':') => {
                "for digest it must be digest:user:password"
            }
            Some(parts) => return Ok(parts),
        };
        Err(format!("invalid value (not shown) for '--auth <SCHEME:CREDENTIALS>': {rule}"))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(not shown)")
    }
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
    Resign(ResignArgs),
    /// Run a ZooKeeper inside this process, to try things on
    #[command(long_about = help::DEV, after_long_help = help::DEV_AFTER)]
    Dev(DevArgs),
}

#[derive(Args)]
pub(crate) struct DevArgs {
    /// Where it listens; port 0 is any free one
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:2181", value_parser = listen)]
    pub(crate) listen: SocketAddr,
    /// Its tick: session timeouts from 2 to 20 of them are granted
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = tick)]
    pub(crate) tick: Duration,
    /// How many connections one address may have; 0 is no limit
    #[arg(long, value_name = "NUMBER", default_value = "60")]
    pub(crate) max_connections: usize,
    /// How often empty containers are looked for
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = container_interval)]
    pub(crate) container_interval: Duration,
    /// A folder to keep everything in, over restarts and crashes; default: in memory only
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// What the server logs, whatever RUST_LOG says
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub(crate) log: Option<Log>,
}

#[derive(Args)]
pub(crate) struct CampaignArgs {
    /// What the election is about: a znode path, such as /master
    #[arg(value_parser = election_path)]
    pub(crate) path: ElectionPath,
    /// A local label for the events; default: the address, else host name and process id
    #[arg(long, value_parser = label)]
    id: Option<String>,
    /// What others see of this candidate: where the master is reached
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    pub(crate) address: Option<Address>,
    /// How candidates compete
    #[arg(long, value_enum, default_value = "lock")]
    pub(crate) strategy: Strategy,
    /// The session timeout to ask for: a crash is noticed after so long
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = session_timeout)]
    pub(crate) session_timeout: Duration,
    /// One JSON object a line instead of text
    #[arg(long)]
    pub(crate) json: bool,
    /// While master, print a `holding` event this often, if the lease is valid at that moment
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
    /// What the election is about: a znode path, such as /master
    #[arg(value_parser = election_path)]
    pub(crate) path: ElectionPath,
    /// JSON instead of text, one object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct ResignArgs {
    /// What the election is about: a znode path, such as /master
    #[arg(value_parser = election_path)]
    pub(crate) path: ElectionPath,
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

/// Reads the command line, and the environment where it says nothing.
///
/// # Errors
///
/// One line that says which value cannot be used, and what was expected.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Parsed, String> {
    let args: Vec<_> = args.into_iter().collect();
    let matches = command().try_get_matches_from(&args);
    let cli = match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => {
            let text = error.render();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(Parsed::Show(text.to_string())),
                ErrorKind::InvalidUtf8 => Err(not_utf8(&args)),
                _ => Err(shorten(&text.to_string())),
            };
        }
    };
    // Before anything is started.
    cli.ensemble.session().map(drop)?;
    Ok(Parsed::Run(cli))
}

/// The command line. A variable of the environment that is empty is one that is not set: where a script passes on what it
/// was given, that is the only way to say nothing.
fn command() -> clap::Command {
    fn is_empty(arg: &clap::Arg) -> bool {
        arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty())
    }
    Cli::command().mut_args(|arg| if is_empty(&arg) { arg.env(Resettable::Reset) } else { arg })
}

/// Clap does not say which value it is that is no text.
fn not_utf8(args: &[OsString]) -> String {
    let rule = "it must be text in UTF-8";
    let Some(place) = args.iter().position(|arg| arg.to_str().is_none()) else {
        return format!("invalid value in the environment, of ELECT_ZOOKEEPER or ELECT_AUTH: {rule}");
    };
    let is_auth = |arg: &OsString| arg.as_encoded_bytes().starts_with(b"--auth");
    // Whatever may be a secret is not shown.
    if args[place.saturating_sub(1)..=place].iter().any(is_auth) {
        format!("invalid value (not shown) for '--auth <SCHEME:CREDENTIALS>': {rule}")
    } else {
        format!("invalid value {:?}: {rule}", args[place])
    }
}

/// Clap explains itself in paragraphs: puts what it found on one line, and says where the rest is.
fn shorten(text: &str) -> String {
    let found = text.strip_prefix("error: ").unwrap_or(text);
    let explained = ["\nUsage:", "\nFor more information"]
        .iter()
        .fold(found, |text, end| text.split_once(end).map_or(text, |(before, _)| before));
    let parts: Vec<_> = explained.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    format!("{}; see --help", parts.join(" ").replace(" tip: ", "; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &[&str]) -> Result<Cli, String> {
        let words = ["elect"].iter().chain(line).map(OsString::from);
        match parse(words)? {
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

    fn refused(line: &[&str]) -> String {
        match run(line) {
            Ok(_) => panic!("{line:?} is accepted"),
            Err(why) => why,
        }
    }

    #[test]
    fn clap_finds_nothing_wrong_with_the_definition() {
        Cli::command().debug_assert();
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
    fn the_ensemble_is_given_before_or_after_the_command() {
        for line in [
            ["--zookeeper", "zk:1/c", "--auth", "digest:u:p", "status", "/m"],
            ["--zookeeper", "zk:1/c", "status", "/m", "--auth", "digest:u:p"],
            ["--auth", "digest:u:p", "status", "--zookeeper", "zk:1/c", "/m"],
            ["status", "/m", "--zookeeper", "zk:1/c", "--auth", "digest:u:p"],
        ] {
            let Ok(cli) = run(&line) else { panic!("{line:?}") };
            assert_eq!(cli.ensemble.zookeeper, "zk:1/c", "{line:?}");
            let secret = cli.ensemble.auth.as_ref().map(|secret| secret.0.as_str());
            assert_eq!(secret, Some("digest:u:p"), "{line:?}");
        }
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
    fn a_value_that_is_no_text_is_named_unless_it_is_secret() {
        use std::os::unix::ffi::OsStringExt as _;
        let bad = |text: &[u8]| OsString::from_vec([text, b"\xff"].concat());
        let parse = |args: &[OsString]| match parse(["elect".into()].iter().chain(args).cloned()) {
            Ok(_) => panic!("{args:?} is accepted"),
            Err(why) => why,
        };
        let why = parse(&["status".into(), bad(b"/m")]);
        assert!(why.contains(r#""/m\xFF""#) && why.contains("UTF-8"), "{why}");
        for args in
            [&["status".into(), "/m".into(), "--auth".into(), bad(b"hunter")][..], &[bad(b"--auth=hunter")]]
        {
            let why = parse(args);
            assert!(why.contains("--auth") && !why.contains("hunter"), "{why}");
        }
    }

    #[test]
    fn credentials_are_checked_and_never_shown() {
        for (auth, rule) in [
            ("hunter2", "SCHEME:CREDENTIALS"),
            ("", "SCHEME:CREDENTIALS"),
            (":hunter2", "a word such as digest"),
            ("hunter-2:x", "a word such as digest"),
            ("digest:hunter2", "digest:user:password"),
        ] {
            let why = refused(&["status", "/m", "--auth", auth]);
            assert!(why.contains("--auth") && why.contains(rule), "{auth}: {why}");
            assert!(!why.contains("hunter"), "{why}");
        }
        assert!(run(&["status", "/m", "--auth", "digest:user:pass:word"]).is_ok());
        assert!(run(&["status", "/m", "--auth", "x509:"]).is_ok(), "other schemes have rules of their own");
        assert_eq!(format!("{:?}", Secret("hunter2".into())), "(not shown)");
    }

    #[test]
    fn help_is_shown_and_is_no_failure() {
        for line in [&["elect", "--help"][..], &["elect", "-V"], &["elect", "campaign", "--help"]] {
            let shown = parse(line.iter().map(OsString::from));
            assert!(matches!(shown, Ok(Parsed::Show(text)) if text.contains("elect")), "{line:?}");
        }
    }
}
