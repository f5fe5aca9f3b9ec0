//! Errors by number, with what each means.

use std::fmt;

/// Why a server refused an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// The server failed in a way that has no code of its own. (-1)
    SystemError,
    /// Part of a failed multi that was not tried or was undone. (-2)
    RuntimeInconsistency,
    /// The server found its data inconsistent. (-3)
    DataInconsistency,
    /// The connection was lost. (-4)
    ConnectionLoss,
    /// The request could not be read. (-5)
    MarshallingError,
    /// No such operation here. (-6)
    Unimplemented,
    /// The operation took too long. (-7)
    OperationTimeout,
    /// The arguments make no sense. (-8)
    BadArguments,
    /// No such session. (-12)
    UnknownSession,
    /// No quorum of the new configuration is connected. (-13)
    NewConfigNoQuorum,
    /// Another reconfiguration is under way. (-14)
    ReconfigInProgress,
    /// The node, or its parent, does not exist. (-101)
    NoNode,
    /// The ACL denies it. (-102)
    NoAuth,
    /// The version is another one. (-103)
    BadVersion,
    /// Ephemeral nodes have no children. (-108)
    NoChildrenForEphemerals,
    /// The node exists already. (-110)
    NodeExists,
    /// The node has children. (-111)
    NotEmpty,
    /// The session has ended. (-112)
    SessionExpired,
    /// The callback makes no sense. (-113)
    InvalidCallback,
    /// The ACL is empty or makes no sense. (-114)
    InvalidAcl,
    /// The credentials were refused. (-115)
    AuthFailed,
    /// The session is at another server now. (-118)
    SessionMoved,
    /// A write, at a server that only serves reads. (-119)
    NotReadOnly,
    /// A session that only its server knows cannot own ephemeral nodes. (-120)
    EphemeralOnLocalSession,
    /// There is no such watch to remove. (-121)
    NoWatcher,
    /// The request took too long. (-122)
    RequestTimeout,
    /// Reconfiguration is switched off. (-123)
    ReconfigDisabled,
    /// The server closes sessions that have not authenticated (`SESSIONCLOSEDREQUIRESASLAUTH`). (-124)
    AuthRequired,
    /// The quota of the path is used up. (-125)
    QuotaExceeded,
    /// The server is overloaded and did not carry it out. (-127)
    ThrottledOp,
    /// Any other number.
    Other(i32),
}

/// Each error that has a name, with its number and its meaning for people.
const KNOWN: [(ErrorCode, i32, &str); 30] = [
    (ErrorCode::SystemError, -1, "the server failed inside"),
    (ErrorCode::RuntimeInconsistency, -2, "part of a transaction that failed elsewhere"),
    (ErrorCode::DataInconsistency, -3, "the server found its data inconsistent"),
    (ErrorCode::ConnectionLoss, -4, "the connection was lost"),
    (ErrorCode::MarshallingError, -5, "the server could not read the request"),
    (ErrorCode::Unimplemented, -6, "the server does not know this operation"),
    (ErrorCode::OperationTimeout, -7, "the operation took too long"),
    (ErrorCode::BadArguments, -8, "the server does not accept the arguments"),
    (ErrorCode::UnknownSession, -12, "the server does not know the session"),
    (ErrorCode::NewConfigNoQuorum, -13, "no quorum of the new configuration is connected"),
    (ErrorCode::ReconfigInProgress, -14, "another reconfiguration is under way"),
    (ErrorCode::NoNode, -101, "there is no such znode"),
    (ErrorCode::NoAuth, -102, "the ACL does not allow it"),
    (ErrorCode::BadVersion, -103, "the znode has another version"),
    (ErrorCode::NoChildrenForEphemerals, -108, "the parent is ephemeral and can have no children"),
    (ErrorCode::NodeExists, -110, "the znode exists"),
    (ErrorCode::NotEmpty, -111, "the znode has children"),
    (ErrorCode::SessionExpired, -112, "the session has ended"),
    (ErrorCode::InvalidCallback, -113, "the callback is not valid"),
    (ErrorCode::InvalidAcl, -114, "the server does not accept the ACL"),
    (ErrorCode::AuthFailed, -115, "the server refuses the credentials"),
    (ErrorCode::SessionMoved, -118, "the session has moved to another server"),
    (ErrorCode::NotReadOnly, -119, "the server has no quorum and only serves reads"),
    (
        ErrorCode::EphemeralOnLocalSession,
        -120,
        "the session is local to its server and can own no ephemeral znode: switch localSessionsUpgradingEnabled on, or localSessionsEnabled off",
    ),
    (ErrorCode::NoWatcher, -121, "there is no such watch"),
    (ErrorCode::RequestTimeout, -122, "the request took too long"),
    (ErrorCode::ReconfigDisabled, -123, "reconfiguration is switched off"),
    (
        ErrorCode::AuthRequired,
        -124,
        "the server requires every session to authenticate, with SASL or with the schemes in its enforce.auth.schemes",
    ),
    (ErrorCode::QuotaExceeded, -125, "the quota of the path is used up"),
    (ErrorCode::ThrottledOp, -127, "the server is overloaded and did not carry it out"),
];

impl ErrorCode {
    /// The error with this number; `None` for 0, which is success.
    pub fn from_number(number: i32) -> Option<Self> {
        let known = KNOWN.iter().find(|(_, known, _)| *known == number).map(|(code, ..)| *code);
        (number != 0).then(|| known.unwrap_or(Self::Other(number)))
    }

    /// Its number on the wire.
    pub fn number(self) -> i32 {
        match self {
            Self::Other(number) => number,
            known => known.entry().map_or(0, |(_, number, _)| *number),
        }
    }

    /// What it means, in words that can stand in a sentence.
    pub fn meaning(self) -> &'static str {
        self.entry().map_or("an error that ZooKeeper 3.9 does not have", |(_, _, meaning)| *meaning)
    }

    /// Whether time alone will not cure it: somebody has to change a setting, an ACL or the credentials.
    pub fn is_lasting(self) -> bool {
        matches!(
            self,
            Self::Unimplemented
                | Self::BadArguments
                | Self::NoAuth
                | Self::InvalidAcl
                | Self::AuthFailed
                | Self::EphemeralOnLocalSession
                | Self::AuthRequired
                | Self::QuotaExceeded
        )
    }

    fn entry(self) -> Option<&'static (Self, i32, &'static str)> {
        KNOWN.iter().find(|(known, ..)| *known == self)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(number) => write!(formatter, "error {number}"),
            known => write!(formatter, "{known:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_there_and_back() {
        for number in -130..120 {
            assert_eq!(ErrorCode::from_number(number).map_or(0, ErrorCode::number), number);
        }
        assert_eq!(ErrorCode::from_number(0), None);
        assert_eq!(ErrorCode::from_number(-9).unwrap().to_string(), "error -9");
        assert_eq!(ErrorCode::from_number(-102).unwrap().to_string(), "NoAuth");
        assert_eq!(ErrorCode::from_number(-110).unwrap().meaning(), "the znode exists");
    }
}
