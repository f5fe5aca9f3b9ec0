//! `elect campaign`: competes, and says what happens.

use std::time::Duration;

use actix::prelude::*;
use actix_election::{BecameMaster, BecameStandby, Election, Lease, Problem, SessionChanged, SessionState};
use tokio::sync::oneshot;

use crate::args::{CampaignArgs, EnsembleArgs};
use crate::events::{Event, Format, Moment};
use crate::exit::Ending;
use crate::output::Output;
use crate::stop::{Stop, Why};

/// How long a handover waits for `became_standby` to be written. Together with the 2 s that the session takes at
/// most to close, it has to fit into the time that [`Stop`] allows.
const STEP_DOWN_TIMEOUT: Duration = Duration::from_millis(1_500);

/// How long the news that the session is closed may take.
const LAST_NEWS: Duration = Duration::from_millis(500);

pub(super) async fn run(
    ensemble: &EnsembleArgs,
    args: CampaignArgs,
    super::Context { output, stop }: &super::Context,
) -> Result<Ending, Ending> {
    let builder = ensemble.session().map_err(Ending::Unusable)?;
    let session = builder.session_timeout(args.session_timeout).start()?;
    let (closed, wait_closed) = oneshot::channel();
    let role = Role::new(output.clone(), stop.clone(), &args, closed).start();
    session.report_changes(role.clone().recipient());
    session.report_problems(role.clone().recipient());

    let mut election = Election::builder(args.path.as_str()).strategy(args.strategy.into());
    election = election.step_down_timeout(STEP_DOWN_TIMEOUT).role(&role);
    if let Some(address) = &args.address {
        election = election.address(address.as_str());
    }
    let election = election.campaign(&session).await?;
    election.report_problems(role.clone().recipient());

    let why = stop.requested().await;
    // Bounded by the time that `stop` allows.
    session.close().await;
    // The news of it may still be on its way to the role.
    let _ = tokio::time::timeout(LAST_NEWS, wait_closed).await;
    output.finish().await;
    Ok(stop.ending(why))
}

/// The role actor: it prints what it is told, as it handles it.
struct Role {
    output: Output,
    stop: Stop,
    format: Format,
    id: String,
    holding: Option<Duration>,
    session: SessionState,
    state: State,
    closed: Option<oneshot::Sender<()>>,
}

enum State {
    /// Nothing is known yet.
    Unknown,
    Master(Lease),
    Standby,
}

impl Role {
    fn new(output: Output, stop: Stop, args: &CampaignArgs, closed: oneshot::Sender<()>) -> Self {
        Role {
            output,
            stop,
            format: Format::new(args.json),
            id: args.id(),
            holding: args.holding,
            session: SessionState::Connecting,
            state: State::Unknown,
            closed: Some(closed),
        }
    }

    fn print(&self, event: &Event) {
        self.output.print(event.line(Moment::now(), self.format));
    }

    /// Says that the lease is valid, if it is, for as long as this term lasts.
    fn keep_holding(&mut self, ctx: &mut Context<Self>) {
        let Some(interval) = self.holding else { return };
        let State::Master(lease) = &self.state else { return };
        let token = lease.token();
        // One after the other rather than at fixed times: after a stop of the process nothing is to be made up for.
        ctx.run_later(interval, move |this, ctx| {
            let State::Master(lease) = &this.state else { return };
            if lease.token() != token {
                return;
            }
            let now = Moment::now();
            if let Some(event) = Event::holding(lease, now.at) {
                this.output.print_if_read(event.line(now, this.format));
            }
            this.keep_holding(ctx);
        });
    }
}

impl Actor for Role {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Self::Context) {
        // The session may be past that by the time it answers the subscription.
        self.print(&Event::session(self.session));
    }
}

impl Handler<BecameMaster> for Role {
    type Result = ();

    fn handle(&mut self, BecameMaster { lease, .. }: BecameMaster, ctx: &mut Self::Context) {
        let now = Moment::now();
        self.output.print(Event::became_master(&self.id, &lease, now.at).line(now, self.format));
        self.state = State::Master(lease);
        self.keep_holding(ctx);
    }
}

impl Handler<BecameStandby> for Role {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, message: BecameStandby, _: &mut Self::Context) -> Self::Result {
        // It comes twice in a row if the mastership in between was over before it could be said.
        if !matches!(self.state, State::Standby) {
            self.state = State::Standby;
            self.print(&Event::became_standby(message.reason, message.master.as_ref()));
        }
        // Whoever reads this must have had the chance to stop before the lock is released.
        Box::pin(self.output.written())
    }
}

impl Handler<SessionChanged> for Role {
    type Result = ();

    fn handle(&mut self, SessionChanged { state, .. }: SessionChanged, _: &mut Self::Context) {
        // The answer to the subscription may repeat what is known.
        if state.as_str() != self.session.as_str() {
            self.print(&Event::session(state));
        }
        self.session = state;
        if state == SessionState::Closed {
            // Mostly that was asked for, for a reason that came first.
            self.stop.request(Why::SessionEnded);
            if let Some(closed) = self.closed.take() {
                let _ = closed.send(());
            }
        }
    }
}

impl Handler<Problem> for Role {
    type Result = ();

    fn handle(&mut self, Problem { message, .. }: Problem, _: &mut Self::Context) {
        self.print(&Event::error(&message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{self, Command, Parsed};
    use crate::stop::Kind;

    #[test]
    fn a_session_that_ends_unasked_ends_the_command_as_a_failure() {
        let Ok(Parsed::Run(cli)) = args::parse(["elect", "campaign", "/m"].map(Into::into)) else { panic!() };
        let Command::Campaign(args) = cli.command else { panic!() };
        let why = System::new().block_on(async {
            let stop = Stop::unasked(Kind::Endless);
            let output = Output::start(stop.clone()).unwrap();
            let (closed, wait_closed) = oneshot::channel();
            let role = Role::new(output, stop.clone(), &args, closed).start();
            role.send(SessionChanged::new(SessionState::Closed)).await.unwrap();
            wait_closed.await.unwrap();
            stop.ending(stop.requested().await)
        });
        assert_eq!(why, Ending::Failed("the session has ended for good".into()));
    }
}
