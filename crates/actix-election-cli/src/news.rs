//! What the commands that only ask and follow are told, and the frame that they run in.

use std::time::Duration;

use actix::prelude::*;
use actix_election::{
    AskError, Election, ElectionPath, Master, MasterChanged, Problem, Session, SessionChanged, SessionState,
    StartError,
};
use tokio::sync::mpsc;

use crate::args::EnsembleArgs;
use crate::exit::Ending;

/// How long closing the session may take once there is nothing more to do.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);

/// One piece of news.
#[derive(Debug)]
pub(crate) enum News {
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
    type Context = Context<Self>;
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
pub(crate) struct Inquiry {
    pub(crate) session: Session,
    pub(crate) news: mpsc::UnboundedReceiver<News>,
    listener: Addr<Listener>,
    election: Option<Election>,
}

impl Inquiry {
    /// Starts a session and listens to it.
    pub(crate) fn start(ensemble: &EnsembleArgs) -> Result<Self, Ending> {
        let session = ensemble.session().map_err(Ending::Unusable)?.start()?;
        let (sender, news) = mpsc::unbounded_channel();
        let listener = Listener(sender).start();
        session.report_changes(listener.clone().recipient());
        session.report_problems(listener.clone().recipient());
        Ok(Inquiry { session, news, listener, election: None })
    }

    /// Follows who is master.
    pub(crate) async fn observe(&mut self, path: &ElectionPath) -> Result<(), StartError> {
        let election = Election::builder(path.as_str()).observe(&self.session).await?;
        election.observe(self.listener.clone().recipient());
        election.report_problems(self.listener.clone().recipient());
        self.election = Some(election);
        Ok(())
    }

    /// Waits for an answer, which comes in time; `otherwise` says what is missing where the session is in order.
    pub(crate) async fn answer<T>(
        &mut self,
        answer: impl Future<Output = Result<T, AskError>>,
        otherwise: &str,
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
                    AskError::NoAnswer { limit } => Ending::Failed(account.no_answer(limit, otherwise)),
                    AskError::NotResigned { limit, .. } if !account.is_well() => {
                        Ending::Failed(account.no_answer(limit, otherwise))
                    }
                    error => Ending::Failed(error.to_string()),
                }),
            }
        }
    }

    /// Closes the session, in order if that is possible in reasonable time.
    pub(crate) async fn close(self) {
        let _ = tokio::time::timeout(CLOSE_PATIENCE, self.session.close()).await;
    }
}

/// Why there was no answer: what is known of the session, for a failure that says more than "timed out".
#[derive(Default)]
pub(crate) struct Account {
    connected: bool,
    /// What was said since it was last connected.
    problem: Option<String>,
}

impl Account {
    /// Takes a piece of news into account.
    pub(crate) fn note(&mut self, news: &News) {
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

    /// Says why there is nothing after `limit`; `otherwise` holds where the session is in order.
    pub(crate) fn no_answer(&self, limit: Duration, otherwise: &str) -> String {
        let limit = humantime::format_duration(limit);
        match (self.connected, &self.problem) {
            (_, Some(problem)) => format!("no answer within {limit}: {problem}"),
            (true, None) => format!("{otherwise} within {limit}"),
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
        assert_eq!(account.no_answer(limit, "x"), "no answer within 10s: not connected to the ensemble");
        account.note(&News::Problem(Problem::new(None, "refused")));
        assert_eq!(account.no_answer(limit, "x"), "no answer within 10s: refused");
        account.note(&News::Session(SessionState::Connected));
        assert_eq!(
            account.no_answer(limit, "the master has not resigned"),
            "the master has not resigned within 10s"
        );
        account.note(&News::Problem(Problem::new(None, "turned away")));
        assert_eq!(account.no_answer(limit, "x"), "no answer within 10s: turned away");
    }
}
