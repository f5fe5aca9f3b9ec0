//! Servers that accept a connection and are of no use: every command says why, within its time.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use zookeeper_testkit::wire::{
    ConnectRequest, ConnectResponse, Decoder, Encoder, OpCode, RequestHeader, frame,
};

use crate::harness::{Running, elect, one_line, run};

/// What is wrong with a server.
#[derive(Clone, Copy)]
enum Fault {
    /// It answers the first request after the handshake with -124, as one does that enforces authentication.
    Unauthenticated,
    /// It closes the connection behind the handshake, as a load balancer without a server does.
    HangsUp,
}

impl Fault {
    /// What has to be said of it.
    fn words(self) -> &'static str {
        match self {
            Fault::Unauthenticated => "authenticat",
            Fault::HangsUp => "closed the connection",
        }
    }

    /// Such a server, for as long as the test's process runs.
    fn serve(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // The client may have left.
                std::thread::spawn(move || stream.and_then(|stream| self.answer(stream)));
            }
        });
        address
    }

    fn answer(self, mut stream: TcpStream) -> std::io::Result<()> {
        let request = ConnectRequest::decode(&read(&mut stream)?).unwrap();
        let timeout = Duration::from_secs(10);
        // Whoever closes a session that was given up is told that it is over.
        let (timeout, session_id) =
            if request.session_id == 0 { (timeout, 5) } else { (timeout, request.session_id) };
        let granted = ConnectResponse { timeout, session_id, password: vec![7; 16], read_only: Some(false) };
        stream.write_all(&frame(&granted.encode()))?;
        if let Fault::Unauthenticated = self {
            loop {
                let asked = read(&mut stream)?;
                let header = RequestHeader::decode(&mut Decoder::new(&asked)).unwrap();
                if header.op == OpCode::Ping {
                    continue;
                }
                let mut reply = Encoder::new();
                reply.int(header.xid).long(1).int(-124);
                return stream.write_all(&frame(&reply.finish()));
            }
        }
        Ok(())
    }
}

fn read(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut body = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut body)?;
    Ok(body)
}

#[test]
fn commands_that_ask_say_why_there_is_no_answer() {
    for fault in [Fault::Unauthenticated, Fault::HangsUp] {
        let server = fault.serve();
        let ask = |command: &'static str| {
            let server = server.clone();
            std::thread::spawn(move || run(&mut elect(&[command, "/m", "--zookeeper", &server])))
        };
        for asking in [ask("status"), ask("resign")] {
            let output = asking.join().unwrap();
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            let line = one_line(&output);
            assert!(line.contains("10s") && line.contains(fault.words()) && line.contains(&server), "{line}");
        }
    }
}

#[test]
fn commands_that_stay_say_what_is_wrong_and_go_on() {
    for fault in [Fault::Unauthenticated, Fault::HangsUp] {
        let server = fault.serve();
        let mut watch = Running::start(&mut elect(&["watch", "/m", "--zookeeper", &server]));
        let mut campaign = Running::start(&mut elect(&["campaign", "/m", "--json", "--zookeeper", &server]));
        let problem = campaign.event("error");
        let message = problem["message"].as_str().unwrap();
        assert!(message.contains(fault.words()) && message.contains(&server), "{message}");
        assert_eq!(campaign.terminate(), Some(0));
        let said = watch.error_line();
        assert!(said.contains(fault.words()) && said.contains(&server), "{said}");
        assert_eq!(watch.terminate(), Some(0));
    }
}
