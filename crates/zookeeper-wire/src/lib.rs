//! ZooKeeper's wire protocol: jute, frames, the handshake, and the records of requests and replies.
//!
//! The one codec of the project: what a session's relay checks, what the in-process server speaks, and what tests say by
//! hand. Nothing here trusts what it reads: no input makes it panic, or take more memory than was received.

mod error;
mod frame;
mod jute;
mod messages;
mod opcode;
mod reply;
mod request;

pub use error::ErrorCode;
pub use frame::{Frames, MAX_FRAME, Part, extend_with_xid, frame, read_frame};
pub use jute::{Decoder, Encoder, Malformed};
pub use messages::{Acl, ConnectRequest, ConnectResponse, ReplyHeader, RequestHeader, Stat, WatcherEvent};
pub use opcode::OpCode;
pub use reply::{check_event, check_reply};
pub use request::{auth_frame, close_frame, ping_frame, request_frame, xid};
