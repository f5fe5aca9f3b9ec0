//! Those who are told of something.

use actix::prelude::*;

/// How many there may be before it is looked whether some have ended.
const FEW: usize = 16;

/// Who is told of something, until its actor ends. Those that have ended are let go when somebody is told, and as others come:
/// never are there more than twice as many as there were alive at the last look.
pub(crate) struct Subscribers<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    recipients: Vec<Recipient<M>>,
    look_at: usize,
}

impl<M> Default for Subscribers<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    fn default() -> Self {
        Subscribers { recipients: Vec::new(), look_at: FEW }
    }
}

impl<M> Subscribers<M>
where
    M: Message + Clone + Send + 'static,
    M::Result: Send,
{
    pub(crate) fn add(&mut self, recipient: Recipient<M>) {
        if self.recipients.len() >= self.look_at {
            self.recipients.retain(Recipient::connected);
            self.look_at = FEW.max(2 * self.recipients.len());
        }
        self.recipients.push(recipient);
    }

    pub(crate) fn notify(&mut self, message: &M) {
        self.recipients.retain(Recipient::connected);
        for recipient in &self.recipients {
            recipient.do_send(message.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Problem;

    struct Listener;

    impl Actor for Listener {
        type Context = Context<Self>;
    }

    impl Handler<Problem> for Listener {
        type Result = ();

        fn handle(&mut self, _: Problem, ctx: &mut Context<Self>) {
            ctx.stop();
        }
    }

    #[actix::test]
    async fn those_that_have_ended_do_not_pile_up() {
        let mut subscribers = Subscribers::default();
        let lasting = Listener.start();
        subscribers.add(lasting.clone().recipient());
        for round in 0..1_000 {
            let recipient = Listener.start().recipient::<Problem>();
            subscribers.add(recipient.clone());
            recipient.send(Problem::new(None, "end")).await.unwrap();
            assert!(subscribers.recipients.len() <= 2 * FEW, "round {round}");
        }
        assert!(lasting.connected());
    }
}
