//! `elect status`: who is master?

use actix_election::candidates;

use super::Context;
use super::query::{ANSWER_TIMEOUT, Query};
use crate::args::{EnsembleArgs, PathArgs};
use crate::events::{Format, StatusReport};
use crate::exit::{Ending, NO_MASTER, SUCCESS};

pub(super) async fn run(
    ensemble: &EnsembleArgs,
    args: &PathArgs,
    context: &Context,
) -> Result<Ending, Ending> {
    let ask = async |query: &mut Query| {
        let session = query.session.clone();
        let candidates = query.answer(candidates(&session, args.path.as_str(), ANSWER_TIMEOUT)).await?;
        if candidates.is_empty() {
            query.require_chroot().await?;
        }
        let code = if candidates.is_empty() { NO_MASTER } else { SUCCESS };
        Ok((StatusReport::of(&candidates).line(Format::new(args.json)), Ending::Code(code)))
    };
    Query::once(ensemble, context, ask).await
}
