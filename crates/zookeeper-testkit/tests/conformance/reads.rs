//! Reads of more than one node.

use std::net::SocketAddr;

use zookeeper_testkit::four_letter;
use zookeeper_testkit::wire::{Acl, Decoder, Encoder, ErrorCode, OpCode, Stat};

use crate::common::frames::{Answer, Frames, create, multi, only, versioned, watched};
use crate::node;
use crate::nodes::parts;

fn names(body: &mut Decoder<'_>) -> Vec<String> {
    let mut names = body.vector(Decoder::string).unwrap();
    names.sort();
    names
}

/// A string that may be null, which nothing follows.
fn nullable(text: Option<&str>) -> Encoder {
    let mut body = Encoder::new();
    body.nullable_buffer(text.map(str::as_bytes));
    body
}

async fn read_together(client: &mut Frames, reads: Vec<(OpCode, Encoder)>) -> Answer {
    let reads = multi(reads.into_iter().map(|(op, body)| (op, body.finish())));
    client.write(&Frames::with_body(4_711, OpCode::MultiRead, &reads)).await;
    client.answer(4_711).await
}

pub(crate) async fn several_reads_at_once(server: SocketAddr) {
    let (mut client, mut other) = (Frames::connect(server).await, Frames::connect(server).await);
    let path = node(&mut client, "several").await;
    let child = format!("{path}/a");
    client.call(OpCode::Create, create(&child, b"data", &Acl::open(), 0)).await;
    client.auth("digest", b"user:secret").await;
    let guarded = format!("{path}/b");
    client.call(OpCode::Create, create(&guarded, b"", &Acl::creator(), 0)).await;
    let zxid = client.ping().await.header.zxid;
    let answer = read_together(
        &mut other,
        vec![
            (OpCode::GetChildren, watched(&path, true)),
            (OpCode::GetData, watched(&child, true)),
            (OpCode::GetData, watched(&guarded, false)),
            (OpCode::GetChildren, watched(&format!("{path}/missing"), false)),
            (OpCode::GetData, watched("relative", false)),
        ],
    )
    .await;
    assert_eq!((answer.header.zxid, answer.error()), (zxid, None), "it takes no zxid");
    let (mut children, mut data, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    let kinds = answer.decode(|body| {
        parts(body, |kind, body| match kind {
            8 => children = names(body),
            4 => data.push((body.buffer().unwrap(), Stat::decode(body).unwrap().version)),
            _ => errors.push(body.int().unwrap()),
        })
    });
    assert_eq!(kinds, [(8, 0), (4, 0), (-1, -102), (-1, -101), (-1, -101)], "one that fails stops no other");
    assert_eq!(
        (children, data, errors),
        (vec!["a".into(), "b".into()], vec![(b"data".to_vec(), 0)], vec![-102, -101, -101])
    );
    client.set(&child, b"").await;
    client.delete(&child).await;
    assert_eq!(other.ping().await.events, [], "it leaves no watches");

    let empty = read_together(&mut other, vec![]).await;
    assert_eq!(empty.decode(|body| parts(body, |_, _| {})), []);
    for (reads, why) in [
        (
            vec![(OpCode::GetData, watched("/", false)), (OpCode::Delete, versioned("/a", -1))],
            "a write among them",
        ),
        (vec![(OpCode::Exists, watched("/", false))], "another read"),
        (vec![(OpCode::GetData, nullable(None))], "half a read"),
    ] {
        let refused = read_together(&mut other, reads).await;
        assert_eq!(
            (refused.error(), refused.header.zxid),
            (Some(ErrorCode::MarshallingError), zxid + 2),
            "{why}"
        );
    }
    let in_a_multi = other.multi(vec![(OpCode::GetData, watched("/", false))]).await;
    assert_eq!(in_a_multi.error(), Some(ErrorCode::MarshallingError));
}

pub(crate) async fn ephemerals_of_ones_own(server: SocketAddr) {
    let (mut client, mut other) = (Frames::connect(server).await, Frames::connect(server).await);
    let path = node(&mut client, "ephemerals").await;
    let [own, below, beside, strange] = ["e", "n/e", "nn", "s"].map(|name| format!("{path}/{name}"));
    client.create(&format!("{path}/n")).await;
    for path in [&own, &below, &beside] {
        client.create_with(path, 1).await;
    }
    other.create_with(&strange, 1).await;
    let (inside, beginning) = (format!("{path}/n/"), format!("{path}/n"));
    let all = || vec![own.clone(), below.clone(), beside.clone()];
    for (prefix, expected) in [
        (Some("/"), all()),
        (Some(""), all()),
        (Some(" "), all()),
        (None, all()),
        (Some(path.as_str()), all()),
        (Some(beginning.as_str()), vec![below.clone(), beside.clone()]),
        (Some(inside.as_str()), vec![below.clone()]),
        (Some("/nowhere"), vec![]),
    ] {
        let answer = client.call(OpCode::GetEphemerals, nullable(prefix)).await;
        assert_eq!(answer.decode(names), expected, "{prefix:?}");
    }
    let malformed = client.call(OpCode::GetEphemerals, Encoder::new()).await;
    assert_eq!(malformed.error(), Some(ErrorCode::MarshallingError));
    assert_eq!(other.call(OpCode::GetEphemerals, only("/")).await.decode(names), [strange]);
}

pub(crate) async fn all_below_are_counted(server: SocketAddr) {
    let (mut client, mut other) = (Frames::connect(server).await, Frames::connect(server).await);
    let path = node(&mut client, "counted-below").await;
    for name in ["a", "a/b", "a/b/c", "ab"] {
        client.create(&format!("{path}/{name}")).await;
    }
    let count = async |client: &mut Frames, path: &str| {
        let answer = client.call(OpCode::GetAllChildrenNumber, only(path)).await;
        answer.error().map_or_else(|| Ok(answer.decode(|body| body.int().unwrap())), Err)
    };
    for (name, expected) in [("", Ok(4)), ("/a", Ok(2)), ("/a/b/c", Ok(0)), ("/", Err(ErrorCode::NoNode))] {
        assert_eq!(count(&mut client, &format!("{path}{name}")).await, expected, "{name:?}");
    }
    let nodes: i32 = four_letter::monitor(server).await.unwrap()["zk_znode_count"].parse().unwrap();
    assert_eq!(count(&mut client, "/").await, Ok(nodes - 2), "without the root, which counts twice there");
    assert_eq!(count(&mut client, "").await, Ok(nodes - 1));
    for path in ["relative", "/a\0", "/missing"] {
        assert_eq!(count(&mut client, path).await, Err(ErrorCode::NoNode), "{path:?}");
    }
    let null = client.call(OpCode::GetAllChildrenNumber, nullable(None)).await;
    assert_eq!(null.error(), Some(ErrorCode::MarshallingError));

    client.auth("digest", b"user:secret").await;
    let guarded = format!("{path}/guarded");
    client.call(OpCode::Create, create(&guarded, b"", &Acl::creator(), 0)).await;
    assert_eq!(count(&mut other, &guarded).await, Err(ErrorCode::NoAuth));
    assert_eq!(count(&mut other, &path).await, Ok(5), "only the node that is asked about is looked at");
}

pub(crate) async fn reconfig_is_disabled(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let before = client.ping().await.header.zxid;
    let mut body = Encoder::new();
    body.nullable_buffer(None).string("1").string("server.1=here:1:2").long(-1);
    let answer = client.call(OpCode::Reconfig, body).await;
    assert_eq!((answer.error(), answer.header.zxid), (Some(ErrorCode::ReconfigDisabled), before + 1));
    let malformed = client.call(OpCode::Reconfig, only("server.1=here:1:2")).await;
    assert_eq!((malformed.error(), malformed.header.zxid), (Some(ErrorCode::MarshallingError), before + 1));
    assert_eq!(client.ping().await.header.zxid, before + 1, "the connection stays");
}
