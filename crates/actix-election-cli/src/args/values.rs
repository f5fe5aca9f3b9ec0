//! Values of the command line: each is taken, or refused with the rule that it breaks.

use std::net::SocketAddr;
use std::time::Duration;

use actix_election::{Address, ElectionPath};

pub(super) fn election_path(text: &str) -> Result<ElectionPath, String> {
    ElectionPath::new(text).map_err(|invalid| invalid.rule.to_owned())
}

pub(super) fn address(text: &str) -> Result<Address, String> {
    Address::new(text).map_err(|invalid| invalid.rule.to_owned())
}

pub(super) fn label(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("it must not be empty".into()) } else { Ok(text.to_owned()) }
}

pub(super) fn session_timeout(text: &str) -> Result<Duration, String> {
    duration(text, Duration::from_secs(1), "it must be from 1s to 1h")
}

pub(super) fn tick(text: &str) -> Result<Duration, String> {
    duration(text, Duration::from_millis(1), "it must be from 1ms to 1h")
}

pub(super) fn container_interval(text: &str) -> Result<Duration, String> {
    duration(text, Duration::from_millis(1), "it must be from 1ms to 1h")
}

pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "it must be IP:PORT, such as 127.0.0.1:2181 or [::1]:2181".to_owned())
}

pub(super) fn holding(text: &str) -> Result<Duration, String> {
    duration(text, Duration::from_millis(1), "it must be from 1ms to 1h")
}

fn duration(text: &str, shortest: Duration, rule: &str) -> Result<Duration, String> {
    let parsed = humantime::parse_duration(text)
        .map_err(|error| format!("it must be a duration such as 10s or 500ms ({error})"))?;
    if (shortest..=Duration::from_secs(3600)).contains(&parsed) { Ok(parsed) } else { Err(rule.to_owned()) }
}

/// As `SessionBuilder::max_frame_size` takes it.
pub(super) fn frame_size(text: &str) -> Result<usize, String> {
    let sizes = 1 << 20..=1 << 30;
    let rule = || "it must be from 1048576 to 1073741824 bytes (1 MiB to 1 GiB)".to_owned();
    text.parse().ok().filter(|bytes| sizes.contains(bytes)).ok_or_else(rule)
}
