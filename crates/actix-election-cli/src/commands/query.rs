//! Asking an ensemble without competing: a session, what is told of it, and why there is no answer.

use std::time::Duration;

use actix::prelude::*;
use actix_election::{
    AskError, Election, ElectionPath, Master, MasterChanged, Problem, Session, SessionChanged, SessionState,
    StartError, chroot_exists,
};
use tokio::sync::mpsc;

use super::Context;
use crate::args::EnsembleArgs;
use crate::exit::Ending;

/// How long an answer is waited for.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long closing the session may take once there is nothing more to do.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// One piece of news.
#[derive(Debug)]
pub(super) enum News {
    Session(SessionState),
    Problem(Problem),
    Master(Option<Master>),
}

/// Turns messages into news.
struct Listener(mpsc::UnboundedSender<News>);

impl Listener {
    fn pass_on(&self, news: News) {
        // Nobody listens any more once the command is done.
        let _ = self.0.send(news);
    }
}

impl Actor for Listener {
    type Context = actix::Context<Self>;
}

impl Handler<SessionChanged> for Listener {
    type Result = ();

    fn handle(&mut self, SessionChanged { state, .. }: SessionChanged, _: &mut Self::Context) {
        self.pass_on(News::Session(state));
    }
}

impl Handler<Problem> for Listener {
    type Result = ();

    fn handle(&mut self, problem: Problem, _: &mut Self::Context) {
        self.pass_on(News::Problem(problem));
    }
}

impl Handler<MasterChanged> for Listener {
    type Result = ();

    fn handle(&mut self, MasterChanged { master, .. }: MasterChanged, _: &mut Self::Context) {
        self.pass_on(News::Master(master));
    }
}

/// A session, and the news of it.
pub(super) struct Query {
    pub(super) session: Session,
    pub(super) news: mpsc::UnboundedReceiver<News>,
    listener: Addr<Listener>,
    election: Option<Election>,
    chroot: Option<String>,
}

impl Query {
    /// Asks one thing, and prints the answer; the process ends as it says.
    pub(super) async fn once(
        ensemble: &EnsembleArgs,
        Context { output, stop }: &Context,
        ask: impl AsyncFnOnce(&mut Self) -> Result<(String, Ending), Ending>,
    ) -> Result<Ending, Ending> {
        let mut query = Self::start(ensemble)?;
        let answer = tokio::select! {
            answer = ask(&mut query) => answer,
            why = stop.requested() => Err(stop.ending(why)),
        };
        let ending = answer.map(|(line, ending)| {
            output.print(line);
            ending
        });
        query.close().await;
        output.written().await;
        ending.map(|ending| stop.ending_unless_output_failed(ending))
    }

    /// Starts a session and listens to it.
    pub(super) fn start(ensemble: &EnsembleArgs) -> Result<Self, Ending> {
        let session = ensemble.session().map_err(Ending::Unusable)?.start()?;
        let (sender, news) = mpsc::unbounded_channel();
        let listener = Listener(sender).start();
        session.report_changes(listener.clone().recipient());
        session.report_problems(listener.clone().recipient());
        let chroot = ensemble.chroot().map(str::to_owned);
        Ok(Query { session, news, listener, election: None, chroot })
    }

    /// Follows who is master.
    pub(super) async fn observe(&mut self, path: &ElectionPath) -> Result<(), StartError> {
        let election = Election::builder(path.as_str()).observe(&self.session).await?;
        election.observe(self.listener.clone().recipient());
        election.report_problems(self.listener.clone().recipient());
        self.election = Some(election);
        Ok(())
    }

    /// Waits for an answer, which comes in time.
    pub(super) async fn answer<T>(
        &mut self,
        answer: impl Future<Output = Result<T, AskError>>,
    ) -> Result<T, Ending> {
        tokio::pin!(answer);
        let mut account = Account::default();
        loop {
            tokio::select! {
                // What was said until then is the reason why there is no answer.
                biased;
                Some(news) = self.news.recv() => account.note(&news),
                answer = &mut answer => return answer.map_err(|error| match error {
                    AskError::Invalid(_) => Ending::Unusable(error.to_string()),
                    AskError::NoAnswer { limit } => Ending::Failed(account.no_answer(limit)),
                    AskError::NotResigned { limit, .. } if !account.is_well() => {
                        Ending::Failed(account.no_answer(limit))
                    }
                    error => Ending::Failed(error.to_string()),
                }),
            }
        }
    }

    /// A chroot that is not there is mistyped: nobody has ever been master below it.
    ///
    /// # Errors
    ///
    /// It is not there, or that could not be found out.
    pub(super) async fn require_chroot(&mut self) -> Result<(), Ending> {
        let Some(chroot) = self.chroot.clone() else { return Ok(()) };
        let session = self.session.clone();
        if self.answer(chroot_exists(&session, ANSWER_TIMEOUT)).await? {
            return Ok(());
        }
        Err(Ending::Failed(no_chroot(&chroot)))
    }

    /// Closes the session, in order if that is possible in reasonable time.
    pub(super) async fn close(self) {
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, self.session.close()).await;
    }
}

/// What is told where it does not exist.
pub(super) fn no_chroot(chroot: &str) -> String {
    format!("the chroot {chroot} does not exist")
}

/// Why there was no answer: what is known of the session, for a failure that says more than "timed out".
#[derive(Default)]
pub(super) struct Account {
    connected: bool,
    /// What was said since it was last connected.
    problem: Option<String>,
}

impl Account {
    /// Takes a piece of news into account.
    pub(super) fn note(&mut self, news: &News) {
        match news {
            News::Session(state) => {
                self.connected = *state == SessionState::Connected;
                if self.connected {
                    self.problem = None;
                }
            }
            News::Problem(problem) => self.problem = Some(problem.message.clone()),
            News::Master(_) => {}
        }
    }

    /// Whether all is known to be well with the session.
    fn is_well(&self) -> bool {
        self.connected && self.problem.is_none()
    }

    /// Says why there is nothing after `limit`.
    fn no_answer(&self, limit: Duration) -> String {
        let limit = humantime::format_duration(limit);
        match (self.connected, &self.problem) {
            (_, Some(problem)) => format!("no answer within {limit}: {problem}"),
            (true, None) => format!("no answer within {limit}, though the session is connected"),
            (false, None) => format!("no answer within {limit}: not connected to the ensemble"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_is_known() {
        let limit = Duration::from_secs(10);
        let mut account = Account::default();
        assert_eq!(account.no_answer(limit), "no answer within 10s: not connected to the ensemble");
        account.note(&News::Problem(Problem::new(None, "refused")));
        assert_eq!(account.no_answer(limit), "no answer within 10s: refused");
        account.note(&News::Session(SessionState::Connected));
        assert_eq!(account.no_answer(limit), "no answer within 10s, though the session is connected");
        account.note(&News::Problem(Problem::new(None, "turned away")));
        assert_eq!(account.no_answer(limit), "no answer within 10s: turned away");
    }
}
