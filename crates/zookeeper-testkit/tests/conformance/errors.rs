//! Errors, and which of two is told.

use std::net::SocketAddr;

use zookeeper_testkit::wire::{Acl, Encoder, ErrorCode, OpCode};

use crate::common::frames::{Frames, create, only, set_acl, set_data, versioned, watched};
use crate::node;

pub(crate) async fn errors_of_creates(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let path = node(&mut client, "errors").await;
    client.create_with(&format!("{path}/ephemeral"), 1).await;
    let below = |name: &str| format!("{path}/{name}");
    for (path, flags, error) in [
        ("relative".to_owned(), 0, ErrorCode::BadArguments),
        (below("a\0b"), 0, ErrorCode::BadArguments),
        (below("a/"), 0, ErrorCode::NoNode),
        (format!("{path}/"), 0, ErrorCode::BadArguments),
        (format!("{path}//a"), 0, ErrorCode::NoNode),
        (format!("/{path}"), 0, ErrorCode::BadArguments),
        (below("."), 0, ErrorCode::BadArguments),
        (below(".."), 0, ErrorCode::BadArguments),
        (below("\u{1}"), 0, ErrorCode::BadArguments),
        (below("\u{e000}"), 0, ErrorCode::BadArguments),
        (below("missing/a"), 0, ErrorCode::NoNode),
        (path.clone(), 0, ErrorCode::NodeExists),
        ("/".to_owned(), 0, ErrorCode::NodeExists),
        (below("ephemeral/a"), 0, ErrorCode::NoChildrenForEphemerals),
        (below("a"), 5, ErrorCode::Unimplemented),
        (below("a"), 7, ErrorCode::BadArguments),
        (below("a"), -1, ErrorCode::BadArguments),
        (String::new(), 0, ErrorCode::BadArguments),
    ] {
        assert_eq!(client.create_with(&path, flags).await.error(), Some(error), "{path:?} {flags}");
    }
    let acl = |scheme: &str, id: &str| vec![Acl { permissions: 31, scheme: scheme.into(), id: id.into() }];
    for bad in [
        vec![],
        acl("world", "somebody"),
        acl("nonsense", "a"),
        acl("digest", "nocolon"),
        acl("digest", "a:b:c"),
        acl("digest", "a:"),
        acl("ip", "300.1.1.1"),
        acl("ip", "127.0.0.1/33"),
        acl("auth", ""),
    ] {
        let answer = client.call(OpCode::Create, create(&below("a"), b"", &bad, 0)).await;
        assert_eq!(answer.error(), Some(ErrorCode::InvalidAcl), "{bad:?}");
        let missing = client.call(OpCode::Create, create(&below("missing/a"), b"", &bad, 0)).await;
        assert_eq!(missing.error(), Some(ErrorCode::InvalidAcl), "before the parent is looked at");
        let set = client.call(OpCode::SetAcl, set_acl(&below("missing"), &bad, 0)).await;
        assert_eq!(set.error(), Some(ErrorCode::InvalidAcl));
    }
    let mut ttl = create(&below("a"), b"", &Acl::open(), 5);
    ttl.long(1_000);
    assert_eq!(client.call(OpCode::CreateTtl, ttl).await.error(), Some(ErrorCode::Unimplemented));
    client.ping().await;
}

pub(crate) async fn errors_of_deletes(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let path = node(&mut client, "errors").await;
    client.create(&format!("{path}/a")).await;
    let missing = format!("{path}/missing");
    for (path, version, error) in [
        ("relative", -1, ErrorCode::BadArguments),
        ("/", -1, ErrorCode::BadArguments),
        ("/zookeeper", -1, ErrorCode::BadArguments),
        ("/zookeeper/quota", -1, ErrorCode::BadArguments),
        (missing.as_str(), -1, ErrorCode::NoNode),
        (&format!("{missing}/a"), -1, ErrorCode::NoNode),
        (&format!("{path}/"), -1, ErrorCode::NoNode),
        (&path, -1, ErrorCode::NotEmpty),
        (&path, 1, ErrorCode::BadVersion),
        (&path, -2, ErrorCode::BadVersion),
    ] {
        let answer = client.call(OpCode::Delete, versioned(path, version)).await;
        assert_eq!(answer.error(), Some(error), "{path:?} {version}");
    }
    assert_eq!(client.call(OpCode::Delete, versioned(&format!("{path}/a"), 0)).await.error(), None);
}

pub(crate) async fn errors_of_the_others(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let path = node(&mut client, "errors").await;
    let missing = format!("{path}/missing");
    let no_node = Some(ErrorCode::NoNode);
    for op in [OpCode::Exists, OpCode::GetData, OpCode::GetChildren, OpCode::GetChildren2] {
        for path in [missing.as_str(), "relative", "/a//b"] {
            assert_eq!(client.call(op, watched(path, false)).await.error(), no_node, "{op} {path}");
        }
    }
    assert_eq!(client.call(OpCode::Exists, watched("", false)).await.error(), None, "the root");
    assert_eq!(
        client.call(OpCode::Exists, watched("/a\0", false)).await.error(),
        Some(ErrorCode::BadArguments)
    );
    assert_eq!(client.call(OpCode::GetAcl, only(&missing)).await.error(), no_node);
    assert_eq!(client.set(&missing, b"").await.error(), no_node);
    assert_eq!(client.set("relative", b"").await.error(), Some(ErrorCode::BadArguments));
    let bad = Some(ErrorCode::BadVersion);
    assert_eq!(client.call(OpCode::SetData, set_data(&path, b"", 1)).await.error(), bad);
    assert_eq!(client.call(OpCode::SetAcl, set_acl(&path, &Acl::open(), 1)).await.error(), bad);
    assert_eq!(client.call(OpCode::SetAcl, set_acl(&missing, &Acl::open(), 0)).await.error(), no_node);
    assert_eq!(client.call(OpCode::Check, versioned(&path, 1)).await.error(), bad);
    assert_eq!(client.call(OpCode::Check, versioned(&missing, 1)).await.error(), no_node);
}

pub(crate) async fn unknown_operations(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let answer = client.call(OpCode::Other(4711), Encoder::new()).await;
    assert_eq!(answer.error(), Some(ErrorCode::Unimplemented));
    assert_eq!(answer.header.zxid, -1);
    assert!(client.is_closed().await);
}

/// A path that is not text, or null.
fn odd(bytes: Option<&[u8]>, op: OpCode) -> Encoder {
    let mut body = Encoder::new();
    body.nullable_buffer(bytes);
    match op {
        OpCode::Create => {
            body.buffer(b"");
            Acl::encode_all(&Acl::open(), &mut body);
            body.int(0);
        }
        OpCode::Delete => {
            body.int(-1);
        }
        OpCode::SetData => {
            body.buffer(b"").int(-1);
        }
        _ => {
            body.bool(true);
        }
    }
    body
}

pub(crate) async fn paths_that_are_no_text(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    for (op, garbled) in [
        (OpCode::Create, ErrorCode::BadArguments),
        (OpCode::Delete, ErrorCode::NoNode),
        (OpCode::SetData, ErrorCode::BadArguments),
        (OpCode::Exists, ErrorCode::NoNode),
        (OpCode::GetData, ErrorCode::NoNode),
    ] {
        let before = client.ping().await.header.zxid;
        assert_eq!(client.call(op, odd(Some(b"/a\xff"), op)).await.error(), Some(garbled), "{op}");
        let null = client.call(op, odd(None, op)).await;
        let error = if op == OpCode::SetData { ErrorCode::BadArguments } else { ErrorCode::MarshallingError };
        assert_eq!(null.error(), Some(error), "{op}");
        let write = matches!(op, OpCode::Create | OpCode::Delete | OpCode::SetData);
        assert_eq!(null.header.zxid - before, if write { 2 } else { 0 }, "{op}");
    }
}
