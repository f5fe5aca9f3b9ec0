//! ZooKeeper for tests: real servers on demand, and a proxy that injects faults.
