//! Nodes: their stats and numbers, several writes at once, and the zxids that writes take.

use std::net::SocketAddr;

use zookeeper_testkit::wire::{Acl, Decoder, Encoder, ErrorCode, OpCode, Stat};

use crate::access::{acl, read_acl};
use crate::common::frames::{Frames, create, only, set_acl, set_data, versioned, watched};
use crate::common::path;
use crate::node;

pub(crate) async fn zxids_count_writes(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let before = client.ping().await.header.zxid;
    let path = path("counted");
    assert_eq!(client.create(&path).await.header.zxid, before + 1);
    assert_eq!(client.create(&path).await.header.zxid, before + 2, "a failed one");
    assert_eq!(client.call(OpCode::GetData, watched(&path, false)).await.header.zxid, before + 2);
    assert_eq!(client.call(OpCode::Check, versioned(&path, 9)).await.header.zxid, before + 3);
    let parts = || vec![(OpCode::SetData, set_data(&path, b"", -1)), (OpCode::Check, versioned(&path, -1))];
    assert_eq!(client.multi(parts()).await.header.zxid, before + 4);
    assert_eq!(client.multi(vec![]).await.header.zxid, before + 5);
    assert_eq!(client.call(OpCode::SetAcl, set_acl(&path, &[], -1)).await.header.zxid, before + 6);
    let mut other = Frames::connect(server).await;
    assert_eq!(other.ping().await.header.zxid, before + 7, "a session");
    other.call(OpCode::CloseSession, Encoder::new()).await;
    assert_eq!(client.ping().await.header.zxid, before + 8);
    assert_eq!(client.auth("digest", b"a:b").await.header.zxid, 0);
    let expected = client.stat(&path).await.unwrap();
    assert_eq!((expected.czxid, expected.mzxid, expected.pzxid), (before + 1, before + 4, before + 1));
}

pub(crate) async fn numbers_of_sequential_nodes(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let parent = node(&mut client, "numbered").await;
    let next = async |client: &mut Frames| client.create_with(&format!("{parent}/n-"), 2).await.string();
    assert_eq!(next(&mut client).await, format!("{parent}/n-0000000000"));
    client.create(&format!("{parent}/other")).await;
    assert_eq!(next(&mut client).await, format!("{parent}/n-0000000002"), "any create counts");
    client.delete(&format!("{parent}/other")).await;
    client.create(&format!("{parent}/n-0000000002")).await;
    assert_eq!(next(&mut client).await, format!("{parent}/n-0000000003"), "deletes and failures do not");
    let slash = client.create_with(&format!("{parent}/"), 3).await.string();
    assert_eq!(slash, format!("{parent}/0000000004"));
}

pub(crate) async fn stats(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let path = node(&mut client, "stat").await;
    let zxid = client.ping().await.header.zxid;
    let created = client.call(OpCode::Create2, create(&format!("{path}/a"), b"four", &Acl::open(), 1)).await;
    let (name, stat) = created.decode(|body| (body.string().unwrap(), Stat::decode(body).unwrap()));
    assert_eq!(name, format!("{path}/a"));
    let expected = Stat {
        czxid: zxid + 1,
        mzxid: zxid + 1,
        pzxid: zxid + 1,
        ctime: stat.ctime,
        mtime: stat.ctime,
        version: 0,
        cversion: 0,
        aversion: 0,
        ephemeral_owner: client.session,
        data_length: 4,
        children: 0,
    };
    assert_eq!(stat, expected);
    let parent = client.stat(&path).await.unwrap();
    assert_eq!((parent.cversion, parent.children, parent.pzxid), (1, 1, zxid + 1));
    assert_eq!((parent.mzxid, parent.version), (zxid, 0));
    let set = client.call(OpCode::SetData, set_data(&path, b"12", 0)).await.stat();
    assert_eq!((set.version, set.mzxid, set.data_length), (1, zxid + 2, 2));
    let set = client.call(OpCode::SetAcl, set_acl(&path, &Acl::open(), 0)).await.stat();
    assert_eq!((set.aversion, set.version, set.mzxid), (1, 1, zxid + 2));
    client.delete(&format!("{path}/a")).await;
    let parent = client.stat(&path).await.unwrap();
    assert_eq!((parent.cversion, parent.children, parent.pzxid), (2, 0, zxid + 4), "twice the creates");
}

pub(crate) async fn null_data(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let path = path("null");
    let mut body = Encoder::new();
    body.string(&path).nullable_buffer(None);
    Acl::encode_all(&Acl::open(), &mut body);
    body.int(0);
    assert_eq!(client.call(OpCode::Create, body).await.error(), None);
    let read = client.call(OpCode::GetData, watched(&path, false)).await;
    assert_eq!(read.decode(|body| (body.nullable_buffer().unwrap(), Stat::decode(body).unwrap())).0, None);
    client.set(&path, b"").await;
    let read = client.call(OpCode::GetData, watched(&path, false)).await;
    assert_eq!(
        read.decode(|body| (body.nullable_buffer().unwrap(), Stat::decode(body).unwrap())).0,
        Some(vec![])
    );
}

/// The kind and error of each part of a multi's reply, what follows each being read by `part`.
pub(crate) fn parts(body: &mut Decoder<'_>, mut part: impl FnMut(i32, &mut Decoder<'_>)) -> Vec<(i32, i32)> {
    let mut parts = Vec::new();
    loop {
        let (kind, done, error) = (body.int().unwrap(), body.bool().unwrap(), body.int().unwrap());
        if done {
            assert_eq!((kind, error), (-1, -1));
            return parts;
        }
        part(kind, body);
        parts.push((kind, error));
    }
}

pub(crate) async fn multis(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let path = node(&mut client, "multi").await;
    client.watch(OpCode::GetChildren, &path).await;
    client.watch(OpCode::GetData, &path).await;
    let new = format!("{path}/a");
    let answer = client
        .multi(vec![
            (OpCode::Create, create(&new, b"", &Acl::open(), 0)),
            (OpCode::Create2, create(&format!("{path}/n-"), b"", &Acl::open(), 3)),
            (OpCode::CreateContainer, create(&format!("{path}/c"), b"", &Acl::open(), 4)),
            (OpCode::SetData, set_data(&path, b"12", 0)),
            (OpCode::Check, versioned(&path, 1)),
            (OpCode::Delete, versioned(&new, -1)),
        ])
        .await;
    let zxid = answer.header.zxid;
    assert_eq!(answer.events, [(4, path.clone()), (3, path.clone())]);
    let mut names = Vec::new();
    let kinds = answer.decode(|body| {
        parts(body, |kind, body| match kind {
            1 => names.push(body.string().unwrap()),
            15 => {
                names.push(body.string().unwrap());
                assert_eq!(Stat::decode(body).unwrap().czxid, zxid);
            }
            5 => assert_eq!(Stat::decode(body).unwrap().version, 1),
            _ => {}
        })
    });
    // Only a container's stat is told; and here it is the flags that make one.
    assert_eq!(kinds, [(1, 0), (1, 0), (15, 0), (5, 0), (13, 0), (2, 0)]);
    assert_eq!(names, [new, format!("{path}/n-0000000001"), format!("{path}/c")]);
    let stat = client.stat(&path).await.unwrap();
    assert_eq!((stat.mzxid, stat.pzxid, stat.children, stat.cversion), (zxid, zxid, 2, 4));
}

pub(crate) async fn multis_that_fail(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let path = node(&mut client, "multi").await;
    client.create_with(&format!("{path}/e"), 1).await;
    let before = client.stat(&path).await;
    client.watch(OpCode::GetChildren, &path).await;
    let answer = client
        .multi(vec![
            (OpCode::Create, create(&format!("{path}/a"), b"", &Acl::open(), 1)),
            (OpCode::Delete, versioned(&format!("{path}/e"), -1)),
            (OpCode::Check, versioned(&path, 7)),
            (OpCode::Delete, versioned(&format!("{path}/missing"), -1)),
        ])
        .await;
    assert_eq!((answer.error(), answer.events.len()), (None, 0));
    let results = answer.decode(|body| {
        parts(body, |kind, body| {
            assert_eq!(kind, -1);
            body.int().unwrap();
        })
    });
    assert_eq!(results, [(-1, 0), (-1, 0), (-1, -103), (-1, -2)]);
    assert_eq!(client.stat(&path).await, before);
    assert!(client.stat(&format!("{path}/e")).await.is_some());
    assert_eq!(client.create_with(&format!("{path}/n-"), 2).await.string(), format!("{path}/n-0000000001"));
    let invalid = client.multi(vec![(OpCode::SetAcl, set_acl(&path, &Acl::open(), -1))]).await;
    assert_eq!(invalid.error(), Some(ErrorCode::MarshallingError));
}

pub(crate) async fn containers(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let path = path("container");
    let created = client.call(OpCode::CreateContainer, create(&path, b"", &Acl::open(), 4)).await;
    let stat = created.decode(|body| (body.string().unwrap(), Stat::decode(body).unwrap())).1;
    assert_eq!(stat.ephemeral_owner, 0);
    assert_eq!(client.create(&format!("{path}/a")).await.error(), None);
    assert_eq!(client.delete(&format!("{path}/a")).await.error(), None);
    assert_eq!(client.delete(&path).await.error(), None);
    // The flag alone makes a node that stays.
    assert_eq!(client.create_with(&path, 4).await.string(), path);
}

pub(crate) async fn syncs(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let before = client.ping().await.header.zxid;
    for path in ["/", "/missing", "relative"] {
        let answer = client.call(OpCode::Sync, only(path)).await;
        assert_eq!((answer.string(), answer.header.zxid), (path.to_owned(), before));
    }
}

pub(crate) async fn initial_nodes(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let anyone = |permissions| Ok(acl(permissions, "world", "anyone"));
    for (path, cversion, aversion, children, permissions) in
        [("/zookeeper", -2, 0, 2, 31), ("/zookeeper/quota", 0, 0, 0, 31), ("/zookeeper/config", 0, -1, 0, 1)]
    {
        let stat = client.stat(path).await.unwrap();
        assert_eq!((stat.cversion, stat.aversion, stat.children), (cversion, aversion, children), "{path}");
        assert_eq!((stat.czxid, stat.mzxid, stat.ctime, stat.version), (0, 0, 0, 0), "{path}");
        assert_eq!(read_acl(&mut client, path).await, anyone(permissions), "{path}");
    }
    let children = client.call(OpCode::GetChildren, watched("/zookeeper", false)).await;
    let mut names = children.decode(|body| body.vector(Decoder::string).unwrap());
    names.sort();
    assert_eq!(names, ["config", "quota"]);
    let root = client.stat("/").await.unwrap();
    assert_eq!((root.czxid, root.version, root.ephemeral_owner), (0, 0, 0));
}

/// As Curator names them. Whoever takes the first for the oldest is wrong with either server.
pub(crate) async fn children_are_told_in_no_order(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let parent = node(&mut client, "queue").await;
    let mut names: Vec<_> =
        (0..40_u32).map(|n| format!("_c_{:08x}-latch-{n:010}", n.wrapping_mul(0x9e37_79b9))).collect();
    for name in &names {
        client.create(&format!("{parent}/{name}")).await;
    }
    names.sort();
    for op in [OpCode::GetChildren, OpCode::GetChildren2] {
        let answer = client.call(op, watched(&parent, false)).await;
        let mut told = Decoder::new(&answer.body).vector(Decoder::string).unwrap();
        assert!(
            !told.is_sorted() && !told.is_sorted_by_key(|name| name.rsplit('-').next()),
            "{op}: {told:?}"
        );
        told.sort();
        assert_eq!(told, names, "{op}");
    }
}
