//! Operations and errors by number.

use std::fmt;

/// What a request asks for, or what kind of frame a reply is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum OpCode {
    /// A watch event; it has no request.
    Notification,
    /// `create`, 1.
    Create,
    /// `delete`, 2.
    Delete,
    /// `exists`, 3.
    Exists,
    /// `getData`, 4.
    GetData,
    /// `setData`, 5.
    SetData,
    /// `getAcl`, 6.
    GetAcl,
    /// `setAcl`, 7.
    SetAcl,
    /// `getChildren`, 8.
    GetChildren,
    /// `sync`, 9.
    Sync,
    /// `ping`, 11.
    Ping,
    /// As `GetChildren`, answered with the node's stat as well.
    GetChildren2,
    /// `check`, 13.
    Check,
    /// `multi`, 14.
    Multi,
    /// As `Create`, answered with the node's stat as well.
    Create2,
    /// `reconfig`, 16.
    Reconfig,
    /// `checkWatches`, 17.
    CheckWatches,
    /// `removeWatches`, 18.
    RemoveWatches,
    /// `createContainer`, 19.
    CreateContainer,
    /// `deleteContainer`, 20.
    DeleteContainer,
    /// `createTtl`, 21.
    CreateTtl,
    /// `multiRead`, 22.
    MultiRead,
    /// `auth`, 100.
    Auth,
    /// `setWatches`, 101.
    SetWatches,
    /// `sasl`, 102.
    Sasl,
    /// `getEphemerals`, 103.
    GetEphemerals,
    /// `getAllChildrenNumber`, 104.
    GetAllChildrenNumber,
    /// `setWatches2`, 105.
    SetWatches2,
    /// `addWatch`, 106.
    AddWatch,
    /// `whoAmI`, 107.
    WhoAmI,
    /// `closeSession`, -11.
    CloseSession,
    /// Any other number.
    Other(i32),
}

impl OpCode {
    /// The operation with this number.
    pub fn from_number(number: i32) -> Self {
        match number {
            0 => Self::Notification,
            1 => Self::Create,
            2 => Self::Delete,
            3 => Self::Exists,
            4 => Self::GetData,
            5 => Self::SetData,
            6 => Self::GetAcl,
            7 => Self::SetAcl,
            8 => Self::GetChildren,
            9 => Self::Sync,
            11 => Self::Ping,
            12 => Self::GetChildren2,
            13 => Self::Check,
            14 => Self::Multi,
            15 => Self::Create2,
            16 => Self::Reconfig,
            17 => Self::CheckWatches,
            18 => Self::RemoveWatches,
            19 => Self::CreateContainer,
            20 => Self::DeleteContainer,
            21 => Self::CreateTtl,
            22 => Self::MultiRead,
            100 => Self::Auth,
            101 => Self::SetWatches,
            102 => Self::Sasl,
            103 => Self::GetEphemerals,
            104 => Self::GetAllChildrenNumber,
            105 => Self::SetWatches2,
            106 => Self::AddWatch,
            107 => Self::WhoAmI,
            -11 => Self::CloseSession,
            other => Self::Other(other),
        }
    }

    /// Its number on the wire.
    pub fn number(self) -> i32 {
        match self {
            Self::Notification => 0,
            Self::Create => 1,
            Self::Delete => 2,
            Self::Exists => 3,
            Self::GetData => 4,
            Self::SetData => 5,
            Self::GetAcl => 6,
            Self::SetAcl => 7,
            Self::GetChildren => 8,
            Self::Sync => 9,
            Self::Ping => 11,
            Self::GetChildren2 => 12,
            Self::Check => 13,
            Self::Multi => 14,
            Self::Create2 => 15,
            Self::Reconfig => 16,
            Self::CheckWatches => 17,
            Self::RemoveWatches => 18,
            Self::CreateContainer => 19,
            Self::DeleteContainer => 20,
            Self::CreateTtl => 21,
            Self::MultiRead => 22,
            Self::Auth => 100,
            Self::SetWatches => 101,
            Self::Sasl => 102,
            Self::GetEphemerals => 103,
            Self::GetAllChildrenNumber => 104,
            Self::SetWatches2 => 105,
            Self::AddWatch => 106,
            Self::WhoAmI => 107,
            Self::CloseSession => -11,
            Self::Other(other) => other,
        }
    }

    /// Whether a request of this kind starts with the path of a node.
    pub fn has_path(self) -> bool {
        matches!(
            self,
            Self::Create
                | Self::Create2
                | Self::CreateContainer
                | Self::CreateTtl
                | Self::Delete
                | Self::DeleteContainer
                | Self::Exists
                | Self::GetData
                | Self::SetData
                | Self::GetAcl
                | Self::SetAcl
                | Self::GetChildren
                | Self::GetChildren2
                | Self::GetAllChildrenNumber
                | Self::Sync
                | Self::Check
                | Self::CheckWatches
                | Self::RemoveWatches
                | Self::AddWatch
        )
    }
}

impl fmt::Display for OpCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(number) => write!(formatter, "operation {number}"),
            known => write!(formatter, "{known:?}"),
        }
    }
}

/// Why a server refused an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// Part of a failed multi that was not tried or was undone. (-2)
    RuntimeInconsistency,
    /// The request could not be read. (-5)
    MarshallingError,
    /// No such operation here. (-6)
    Unimplemented,
    /// The arguments make no sense. (-8)
    BadArguments,
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
    /// The ACL is empty or makes no sense. (-114)
    InvalidAcl,
    /// The credentials were refused. (-115)
    AuthFailed,
    /// The session is at another server now. (-118)
    SessionMoved,
    /// There is no such watch to remove. (-121)
    NoWatcher,
    /// Nobody may change the ensemble's members. (-123)
    ReconfigDisabled,
    /// Any other number.
    Other(i32),
}

impl ErrorCode {
    /// The error with this number; `None` for 0, which is success.
    pub fn from_number(number: i32) -> Option<Self> {
        Some(match number {
            0 => return None,
            -2 => Self::RuntimeInconsistency,
            -5 => Self::MarshallingError,
            -6 => Self::Unimplemented,
            -8 => Self::BadArguments,
            -101 => Self::NoNode,
            -102 => Self::NoAuth,
            -103 => Self::BadVersion,
            -108 => Self::NoChildrenForEphemerals,
            -110 => Self::NodeExists,
            -111 => Self::NotEmpty,
            -112 => Self::SessionExpired,
            -114 => Self::InvalidAcl,
            -115 => Self::AuthFailed,
            -118 => Self::SessionMoved,
            -121 => Self::NoWatcher,
            -123 => Self::ReconfigDisabled,
            other => Self::Other(other),
        })
    }

    /// Its number on the wire.
    pub fn number(self) -> i32 {
        match self {
            Self::RuntimeInconsistency => -2,
            Self::MarshallingError => -5,
            Self::Unimplemented => -6,
            Self::BadArguments => -8,
            Self::NoNode => -101,
            Self::NoAuth => -102,
            Self::BadVersion => -103,
            Self::NoChildrenForEphemerals => -108,
            Self::NodeExists => -110,
            Self::NotEmpty => -111,
            Self::SessionExpired => -112,
            Self::InvalidAcl => -114,
            Self::AuthFailed => -115,
            Self::SessionMoved => -118,
            Self::NoWatcher => -121,
            Self::ReconfigDisabled => -123,
            Self::Other(other) => other,
        }
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
            assert_eq!(OpCode::from_number(number).number(), number);
            assert_eq!(ErrorCode::from_number(number).map_or(0, ErrorCode::number), number);
        }
        assert_eq!(ErrorCode::from_number(0), None);
        assert_eq!(ErrorCode::from_number(-7).unwrap().to_string(), "error -7");
    }
}
