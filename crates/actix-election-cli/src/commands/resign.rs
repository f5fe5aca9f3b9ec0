//! `elect resign`: asks the master to step down in order.

use actix_election::{Asked, ask_to_resign};

use super::Context;
use super::inquiry::{ANSWER_TIMEOUT, Inquiry};
use crate::args::{EnsembleArgs, PathArgs};
use crate::events::{Event, Format, Moment};
use crate::exit::{Ending, SUCCESS};

pub(super) async fn run(
    ensemble: &EnsembleArgs,
    args: &PathArgs,
    context: &Context,
) -> Result<Ending, Ending> {
    let ask = async |inquiry: &mut Inquiry| {
        let session = inquiry.session.clone();
        let event = match inquiry.answer(ask_to_resign(&session, args.path.as_str(), ANSWER_TIMEOUT)).await? {
            Asked::Resigned(token) => Event::Resigned { token: token.as_i64() },
            _ => {
                inquiry.require_chroot().await?;
                Event::NoMaster
            }
        };
        Ok((event.answer(Moment::now(), Format::new(args.json)), Ending::Code(SUCCESS)))
    };
    // A request that still stands goes with the session.
    Inquiry::once(ensemble, context, ask).await
}
