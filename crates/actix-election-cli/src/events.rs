//! What is printed: events, as JSON or as text.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_election::{
    CandidateEntry, Lease, Master, SessionState, StandbyReason, Timestamp, clock, printable,
};
use anstyle::Style;
use serde::Serialize;

use crate::colour::{ATTENTION, BAD, Colour, FAINT, GOOD, PLAIN};
use crate::exit::one_line;

/// So much is printed of an error.
const LONGEST_ERROR: usize = 2_000;

/// How events are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    Json,
    Text(Colour),
}

impl Format {
    /// That of standard output.
    pub(crate) fn new(json: bool) -> Self {
        if json { Format::Json } else { Format::Text(Colour::of_stdout()) }
    }
}

/// When something happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// What leases are judged by, and JSON tells.
    pub(crate) at: Timestamp,
    /// What text tells.
    wall: SystemTime,
}

impl Moment {
    pub(crate) fn now() -> Self {
        Moment { at: clock::now(), wall: SystemTime::now() }
    }

    /// UTC, as in RFC 3339.
    fn text(self) -> String {
        // Other years have no such text, and asking for it panics.
        let last = UNIX_EPOCH + Duration::from_secs(LAST_SECOND);
        humantime::format_rfc3339_millis(self.wall.clamp(UNIX_EPOCH, last)).to_string()
    }
}

/// 9999-12-31T23:59:59Z.
const LAST_SECOND: u64 = 253_402_300_799;

/// A master, as everybody sees it. Others wrote the address: it is shown escaped and cut, in JSON as well, for many a reader
/// of that prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Holder {
    address: String,
    token: i64,
}

impl From<&Master> for Holder {
    fn from(master: &Master) -> Self {
        Holder { address: master.printable_address(), token: master.token.as_i64() }
    }
}

impl From<&CandidateEntry> for Holder {
    fn from(candidate: &CandidateEntry) -> Self {
        Holder { address: candidate.printable_address(), token: candidate.token.as_i64() }
    }
}

impl Holder {
    fn text(&self) -> String {
        let address = if self.address.is_empty() { "(no address)" } else { &self.address };
        format!("{address}, token {}", self.token)
    }
}

fn holder_text(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "none".to_owned(), Holder::text)
}

/// Something that happened.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    Session { state: &'static str },
    BecameStandby { reason: &'static str, master: Option<Holder> },
    BecameMaster { id: String, token: i64, remaining: f64 },
    Holding { token: i64, remaining: f64 },
    MasterChanged { master: Option<Holder> },
    Resigned { token: i64 },
    NoMaster,
    Error { message: String },
}

impl Event {
    pub(crate) fn session(state: SessionState) -> Self {
        Event::Session { state: state.as_str() }
    }

    pub(crate) fn became_standby(reason: StandbyReason, master: Option<&Master>) -> Self {
        Event::BecameStandby { reason: reason.as_str(), master: master.map(Holder::from) }
    }

    /// `at` is the reading that the lease is judged by.
    pub(crate) fn became_master(id: &str, lease: &Lease, at: Timestamp) -> Self {
        let remaining = seconds(micros(lease.remaining_at(at).as_nanos()));
        Event::BecameMaster { id: id.to_owned(), token: lease.token().as_i64(), remaining }
    }

    /// `None` if the lease was not valid at `at`.
    pub(crate) fn holding(lease: &Lease, at: Timestamp) -> Option<Self> {
        let remaining = micros(lease.remaining_at(at).as_nanos());
        let token = lease.token().as_i64();
        (remaining > 0).then(|| Event::Holding { token, remaining: seconds(remaining) })
    }

    pub(crate) fn master_changed(master: Option<&Master>) -> Self {
        Event::MasterChanged { master: master.map(Holder::from) }
    }

    /// What is wrong may name znodes of others.
    pub(crate) fn error(message: &str) -> Self {
        Event::Error { message: printable(message, LONGEST_ERROR) }
    }

    /// The line to print for what happened then.
    pub(crate) fn line(&self, when: Moment, format: Format) -> String {
        match format {
            Format::Json => self.answer(when, format),
            Format::Text(colour) => {
                format!("{} {}", colour.paint(FAINT, &when.text()), self.answer(when, format))
            }
        }
    }

    /// The same where somebody has asked, and knows when: text has no time.
    pub(crate) fn answer(&self, when: Moment, format: Format) -> String {
        match format {
            Format::Json => json(&Line { at: seconds(micros(when.at.as_nanos().into())), event: self }),
            Format::Text(colour) => {
                let (style, what, more) = self.text();
                format!("{}{}", colour.paint(style, &what), one_line(&more))
            }
        }
    }

    /// What happened, in its style, and the rest.
    fn text(&self) -> (Style, String, String) {
        let (style, what, more) = match self {
            Event::Session { state } => {
                let style = if matches!(*state, "suspended" | "lost") { ATTENTION } else { PLAIN };
                return (style, format!("session {state}"), String::new());
            }
            Event::BecameStandby { reason, master } => (
                ATTENTION,
                "became standby",
                format!(": {reason} (master: {})", holder_text(master.as_ref())),
            ),
            Event::BecameMaster { id, token, remaining } => {
                (GOOD, "became master", format!(": {id}, token {token}, lease for {remaining:.3} s"))
            }
            Event::Holding { token, remaining } => {
                (PLAIN, "holding", format!(": token {token}, lease for {remaining:.3} s"))
            }
            Event::MasterChanged { master } => master_text(master.as_ref()),
            Event::Resigned { token } => {
                (PLAIN, "resigned", format!(": the master with token {token} has given up the lock"))
            }
            Event::NoMaster => (PLAIN, "there is no master", String::new()),
            Event::Error { message } => (BAD, "error", format!(": {message}")),
        };
        (style, what.to_owned(), more)
    }
}

fn master_text(master: Option<&Holder>) -> (Style, &'static str, String) {
    let style = if master.is_some() { GOOD } else { ATTENTION };
    (style, "master", format!(": {}", holder_text(master)))
}

#[derive(Serialize)]
struct Line<'a> {
    at: f64,
    #[serde(flatten)]
    event: &'a Event,
}

/// What `status` answers.
#[derive(Debug, Serialize)]
pub(crate) struct StatusReport {
    master: Option<Holder>,
    candidates: Vec<Holder>,
}

impl StatusReport {
    /// Of the candidates in their order, the master first.
    pub(crate) fn of(candidates: &[CandidateEntry]) -> Self {
        let candidates: Vec<_> = candidates.iter().map(Holder::from).collect();
        StatusReport { master: candidates.first().cloned(), candidates }
    }

    pub(crate) fn line(&self, format: Format) -> String {
        match format {
            Format::Json => json(self),
            Format::Text(colour) => self.text(colour),
        }
    }
}

impl StatusReport {
    /// The master, and in the lines after it those who wait, in their order.
    fn text(&self, colour: Colour) -> String {
        let (style, master, holder) = master_text(self.master.as_ref());
        let mut text = format!("{}{}", colour.paint(style, master), one_line(&holder));
        for (place, candidate) in self.candidates.iter().enumerate().skip(1) {
            text.push_str(&format!("\n{place}: {}", one_line(&candidate.text())));
        }
        text
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| {
        // Only maps with odd keys can fail, and there are none.
        format!(
            "{{\"event\":\"error\",\"message\":\"cannot print an event: {}\"}}",
            one_line(&error.to_string())
        )
    })
}

/// Whole microseconds, rounded down: a lease must not seem longer than it is.
fn micros(nanos: u128) -> u64 {
    u64::try_from(nanos / 1_000).unwrap_or(u64::MAX)
}

#[allow(clippy::cast_precision_loss, reason = "exact for 285 years of microseconds")]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use actix_election::FencingToken;

    use super::*;

    const AT: Moment = at(12_500_000_999);
    const TEXT: Format = Format::Text(Colour::Off);

    const fn at(nanos: u64) -> Moment {
        let wall = SystemTime::UNIX_EPOCH;
        Moment { at: Timestamp::from_nanos(nanos), wall }
    }

    fn master() -> Master {
        Master::new("h:1", FencingToken::new(77))
    }

    #[test]
    fn json_lines_are_exactly_as_documented() {
        let lines = [
            (
                Event::session(SessionState::Suspended { until: AT.at }),
                r#"{"at":12.5,"event":"session","state":"suspended"}"#,
            ),
            (
                Event::became_standby(StandbyReason::LeaseEnding, Some(&master())),
                r#"{"at":12.5,"event":"became_standby","reason":"lease_ending","master":{"address":"h:1","token":77}}"#,
            ),
            (
                Event::became_standby(StandbyReason::Connecting, None),
                r#"{"at":12.5,"event":"became_standby","reason":"connecting","master":null}"#,
            ),
            (
                Event::BecameMaster { id: "a".into(), token: 81, remaining: seconds(4_400_000) },
                r#"{"at":12.5,"event":"became_master","id":"a","token":81,"remaining":4.4}"#,
            ),
            (
                Event::Holding { token: 81, remaining: seconds(4_000_000) },
                r#"{"at":12.5,"event":"holding","token":81,"remaining":4.0}"#,
            ),
            (
                Event::Error { message: "no \"server\"\n".into() },
                r#"{"at":12.5,"event":"error","message":"no \"server\"\n"}"#,
            ),
            (
                Event::master_changed(Some(&master())),
                r#"{"at":12.5,"event":"master_changed","master":{"address":"h:1","token":77}}"#,
            ),
            (Event::master_changed(None), r#"{"at":12.5,"event":"master_changed","master":null}"#),
            (Event::Resigned { token: 81 }, r#"{"at":12.5,"event":"resigned","token":81}"#),
            (Event::NoMaster, r#"{"at":12.5,"event":"no_master"}"#),
        ];
        for (event, expected) in lines {
            assert_eq!(event.line(AT, Format::Json), expected);
        }
    }

    #[test]
    fn times_are_floats_of_whole_microseconds_rounded_down() {
        let line = |nanos| Event::master_changed(None).line(at(nanos), Format::Json);
        assert!(line(3_000_000_000).starts_with(r#"{"at":3.0,"#));
        assert!(line(123_456_789_999).starts_with(r#"{"at":123.456789,"#));
        assert!(line(31_536_000_123_456_999).starts_with(r#"{"at":31536000.123456,"#), "a year after boot");
    }

    #[test]
    fn the_status_is_exactly_as_documented() {
        let candidate = |address: &str, token| CandidateEntry::new(address, FencingToken::new(token));
        let report = StatusReport::of(&[candidate("h:1", 77)]);
        assert_eq!(
            report.line(Format::Json),
            r#"{"master":{"address":"h:1","token":77},"candidates":[{"address":"h:1","token":77}]}"#
        );
        assert_eq!(report.line(TEXT), "master: h:1, token 77");
        let report = StatusReport::of(&[candidate("h:1", 77), candidate("", 78)]);
        assert_eq!(
            report.line(Format::Json),
            r#"{"master":{"address":"h:1","token":77},"candidates":[{"address":"h:1","token":77},{"address":"","token":78}]}"#
        );
        assert_eq!(report.line(TEXT), "master: h:1, token 77\n1: (no address), token 78");
        let nobody = StatusReport::of(&[]);
        assert_eq!(nobody.line(Format::Json), r#"{"master":null,"candidates":[]}"#);
        assert_eq!(nobody.line(TEXT), "master: none");
    }

    #[test]
    fn text_is_one_line_whatever_a_stranger_wrote_as_his_address() {
        let stranger = Master::new("\u{1b}[2J\n", FencingToken::new(1));
        let line = Event::became_standby(StandbyReason::Outranked, Some(&stranger)).line(AT, TEXT);
        assert_eq!(
            line,
            "1970-01-01T00:00:00.000Z became standby: outranked (master: \\u{1b}[2J\\n, token 1)"
        );
        let nameless = Master::new("", FencingToken::new(1));
        let line = Event::master_changed(Some(&nameless)).line(AT, TEXT);
        assert_eq!(line, "1970-01-01T00:00:00.000Z master: (no address), token 1");
    }

    #[test]
    fn what_strangers_wrote_is_escaped_and_cut_in_json_as_well() {
        let mut address = "\u{1b}\u{202e}\u{2028}\"".to_owned();
        let escaped = r#"\\u{1b}\\u{202e}\\u{2028}\""#;
        let token = FencingToken::new(1);
        let line = Event::master_changed(Some(&Master::new(address.clone(), token))).line(AT, Format::Json);
        let expected =
            format!(r#"{{"at":12.5,"event":"master_changed","master":{{"address":"{escaped}","token":1}}}}"#);
        assert_eq!(line, expected);
        address.push_str(&"x".repeat(1 << 20));
        let report = StatusReport::of(&[CandidateEntry::new(address, token)]);
        for format in [Format::Json, TEXT] {
            let line = report.line(format);
            assert!(line.contains(" [...] (1048584 bytes)") && line.len() < 1_000, "{line}");
        }
        let line = Event::error("\u{2029}").line(AT, Format::Json);
        assert!(line.contains(r"\\u{2029}"), "{line}");
    }

    #[test]
    fn text_has_the_time_in_utc_whatever_the_clock_says() {
        let text = |wall| Moment { wall, ..AT }.text();
        assert_eq!(text(UNIX_EPOCH + Duration::from_millis(1_795_816_200_123)), "2026-11-27T21:50:00.123Z");
        assert_eq!(text(UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00.000Z");
        assert_eq!(text(UNIX_EPOCH + Duration::from_secs(LAST_SECOND + 1)), "9999-12-31T23:59:59.000Z");
    }

    #[test]
    fn colours_are_put_around_what_happened_and_never_into_json() {
        let coloured = Format::Text(Colour::On);
        let line = Event::master_changed(Some(&master())).line(AT, coloured);
        assert!(line.starts_with("\u{1b}[2m1970-01-01T00:00:00.000Z\u{1b}[0m "), "{line:?}");
        assert!(line.ends_with("master\u{1b}[0m: h:1, token 77"), "{line:?}");
        let error = Event::error("no server").answer(AT, coloured);
        assert!(error.contains("\u{1b}[31merror\u{1b}[0m: no server"), "{error:?}");
    }
}
