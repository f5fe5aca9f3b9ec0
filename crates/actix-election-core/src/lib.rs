//! The decisions of leader election on ZooKeeper as a pure state machine, and its lease arithmetic.
