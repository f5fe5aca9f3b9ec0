//! The election actor with the clock paused, against a fake session.
