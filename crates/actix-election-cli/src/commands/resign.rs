//! `elect resign`: asks the master to step down in order.

use actix_election::{Asked, ask_to_resign};

use super::Context;
use super::query::{ANSWER_TIMEOUT, Query};
use crate::args::{EnsembleArgs, PathArgs};
use crate::events::{Event, Format, Moment};
use crate::exit::{Ending, SUCCESS};

pub(super) async fn run(
    ensemble: &EnsembleArgs,
    args: &PathArgs,
    context: &Context,
) -> Result<Ending, Ending> {
    let ask = async |query: &mut Query| {
        let session = query.session.clone();
        let event = match query.answer(ask_to_resign(&session, args.path.as_str(), ANSWER_TIMEOUT)).await? {
            Asked::Resigned(token) => Event::Resigned { token: token.as_i64() },
            _ => {
                query.require_chroot().await?;
                Event::NoMaster
            }
        };
        Ok((event.answer(Moment::now(), Format::new(args.json)), Ending::Code(SUCCESS)))
    };
    // A request that still stands goes with the session.
    Query::once(ensemble, context, ask).await
}
