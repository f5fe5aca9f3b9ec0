//! Where the ensemble is, and who asks: before or after the command.

use std::fmt;

use actix_election::{Session, SessionBuilder};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, FromArgMatches as _};

use super::values::frame_size;
use super::{help, refusal};

// What every command takes that asks an ensemble. (A comment that documents would become the text about each command.)
#[derive(Args)]
#[command(next_help_heading = "Ensemble")]
pub(crate) struct EnsembleArgs {
    /// The servers, and a chroot for all paths
    #[arg(
        long,
        env = "ELECT_ZOOKEEPER",
        default_value = "127.0.0.1:2181",
        value_name = "HOSTS[/CHROOT]",
        long_help = help::ZOOKEEPER
    )]
    zookeeper: String,
    /// Credentials, such as digest:user:password
    #[arg(
        long,
        env = "ELECT_AUTH",
        hide_env_values = true,
        value_name = "SCHEME:CREDENTIALS",
        value_parser = Secret::parse,
        long_help = help::AUTH
    )]
    auth: Option<Secret>,
    /// The longest reply of a server that is accepted
    #[arg(
        long,
        default_value = "8388608",
        value_name = "BYTES",
        value_parser = frame_size,
        long_help = help::MAX_FRAME_SIZE
    )]
    max_frame_size: usize,
}

impl EnsembleArgs {
    /// Has the commands that ask an ensemble take these arguments as well.
    pub(super) fn behind(command: clap::Command) -> clap::Command {
        command.mut_subcommands(|sub| if asks(sub.get_name()) { Self::augment_args(sub) } else { sub })
    }

    /// What is given ahead of the command and behind it, which goes before; both go before the environment.
    ///
    /// (Clap's global arguments would be taken by every command, also where they have no use.)
    pub(super) fn of(matches: &ArgMatches) -> Result<Self, String> {
        let mut args = Self::from_arg_matches(matches).map_err(|error| refusal::line(&error))?;
        let Some((command, behind)) = matches.subcommand() else { return Ok(args) };
        if !asks(command) {
            return match given_in_vain(matches) {
                Some(option) => Err(format!("'{option}' cannot be used with '{command}'; see --help")),
                None => Ok(args),
            };
        }
        let later = Self::from_arg_matches(behind).map_err(|error| refusal::line(&error))?;
        if given(behind, "zookeeper") {
            args.zookeeper = later.zookeeper;
        }
        if given(behind, "auth") {
            args.auth = later.auth;
        }
        if given(behind, "max_frame_size") {
            args.max_frame_size = later.max_frame_size;
        }
        Ok(args)
    }

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

    /// The chroot; `None` if paths begin at the root.
    pub(crate) fn chroot(&self) -> Option<&str> {
        self.zookeeper.find('/').map(|at| &self.zookeeper[at..]).filter(|chroot| *chroot != "/")
    }
}

/// Whether this command asks an ensemble.
fn asks(command: &str) -> bool {
    !matches!(command, "dev" | "completions" | "man")
}

/// An option of the ensemble ahead of a command that asks none.
fn given_in_vain(matches: &ArgMatches) -> Option<String> {
    let options = EnsembleArgs::augment_args(clap::Command::new("options"));
    let option = options.get_arguments().find(|option| given(matches, option.get_id()))?;
    option.get_long().map(|name| format!("--{name}"))
}

/// Whether it stands on the command line.
fn given(matches: &ArgMatches, id: impl AsRef<str>) -> bool {
    matches.value_source(id.as_ref()) == Some(ValueSource::CommandLine)
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
                "it must begin with a scheme, a word such as digest, and a colon"
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

#[cfg(test)]
mod tests {
    use super::super::tests::{refused, run};
    use super::*;

    #[test]
    fn it_is_given_before_or_after_the_command() {
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
        let both = run(&[
            "--zookeeper",
            "ahead:1",
            "--max-frame-size",
            "2097152",
            "status",
            "/m",
            "--zookeeper",
            "behind:1",
        ]);
        let Ok(cli) = both else { panic!() };
        assert_eq!((cli.ensemble.zookeeper.as_str(), cli.ensemble.max_frame_size), ("behind:1", 2_097_152));
    }

    #[test]
    fn commands_that_ask_none_refuse_it() {
        for line in [
            &["dev", "--zookeeper", "zk:1"][..],
            &["--zookeeper", "zk:1", "dev"],
            &["--zookeeper", "zk:1", "completions", "bash"],
            &["man", "--zookeeper", "zk:1"],
        ] {
            let why = refused(line);
            assert!(why.contains("'--zookeeper"), "{line:?}: {why}");
        }
        assert!(refused(&["--max-frame-size", "1048576", "dev"]).contains("--max-frame-size"));
    }

    #[test]
    fn the_chroot_is_what_follows_the_servers() {
        let chroot = |zookeeper: &str| {
            run(&["status", "/m", "--zookeeper", zookeeper])
                .ok()
                .unwrap()
                .ensemble
                .chroot()
                .map(str::to_owned)
        };
        assert_eq!(chroot("a,b:1/app/x").as_deref(), Some("/app/x"));
        assert_eq!(chroot("a,b:1/"), None);
        assert_eq!(chroot("[::1]:2181"), None);
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
}
