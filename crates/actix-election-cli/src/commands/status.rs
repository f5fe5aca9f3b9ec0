//! `elect status`: who is master?

use actix_election::candidates;

use super::Context;
use super::inquiry::{ANSWER_TIMEOUT, Inquiry};
use crate::args::{EnsembleArgs, PathArgs};
use crate::events::{Format, StatusReport};
use crate::exit::{Ending, NO_MASTER, SUCCESS};

pub(super) async fn run(
    ensemble: &EnsembleArgs,
    args: &PathArgs,
    context: &Context,
) -> Result<Ending, Ending> {
    let ask = async |inquiry: &mut Inquiry| {
        let session = inquiry.session.clone();
        let candidates = inquiry.answer(candidates(&session, args.path.as_str(), ANSWER_TIMEOUT)).await?;
        if candidates.is_empty() {
            inquiry.require_chroot().await?;
        }
        let code = if candidates.is_empty() { NO_MASTER } else { SUCCESS };
        Ok((StatusReport::of(&candidates).line(Format::new(args.json)), Ending::Code(code)))
    };
    Inquiry::once(ensemble, context, ask).await
}
