//! What is found again: after any cut, and after any damage.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::folder::Folder;
use super::format::{HEADER, Kind};
use super::log::Log;
use super::recovery::{Recovered, recover};
use super::steps::{Step, steps};
use super::*;
use crate::server::tree::{Author, Op, Timing};
use crate::wire::Acl;

const EPOCH: i64 = 1_000_000;
const FIRST: i64 = 77;

/// In memory, where that is to be had: what is asked here is not whether the disk keeps what it is told to.
fn temporary() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn empty() -> Machine {
    Machine::new(Timing::with_tick(at(1_000)), EPOCH)
}

/// Everything that is known of a machine after a restart.
fn known(machine: &Machine) -> String {
    let mut machine = machine.clone();
    machine.restart(at(0));
    format!("{machine:?}")
}

/// Takes all steps, and keeps them, one frame for each. Says what was known before and after each record, and where in the
/// last log each of those since its beginning ends.
fn keep(folder: &Folder, steps: &[Step], snapshots: bool) -> (Vec<String>, Vec<u64>) {
    let mut machine = empty();
    let mut log = Log::create(folder, 1, 0).unwrap();
    let mut all = vec![known(&machine)];
    let mut ends = vec![HEADER as u64];
    for (index, step) in steps.iter().enumerate() {
        let record = step.take(at(100 * index as u64), &mut machine);
        if !record.is_empty() {
            log.append(&record).unwrap();
            all.push(known(&machine));
            ends.push(length(folder, &log));
        } else if snapshots && matches!(step, Step::Snapshot) {
            log = Log::create(folder, log.generation() + 1, machine.last_zxid()).unwrap();
            // Every other one did not come to its end.
            if index.is_multiple_of(2) {
                snapshot::write(folder, log.generation(), &machine).unwrap();
            }
            (all, ends) = (vec![known(&machine)], vec![HEADER as u64]);
        }
    }
    (all, ends)
}

fn length(folder: &Folder, log: &Log) -> u64 {
    fs::metadata(folder.file(Kind::Log, log.generation())).unwrap().len()
}

fn last_log(folder: &Folder) -> PathBuf {
    folder.file(Kind::Log, *folder.files().unwrap().logs.last().unwrap())
}

fn recovered(folder: &Folder) -> Result<(Recovered, String), DataError> {
    let mut machine = empty();
    let found = recover(folder, &mut machine)?;
    Ok((found, known(&machine)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever happens and wherever it is cut: what is found is the machine as it was after some of it, with nothing left
    /// out before that, and what was dropped is said. Then it goes on from there.
    #[test]
    fn a_log_that_is_cut_anywhere_is_a_prefix(steps in steps()) {
        let temporary = temporary();
        let folder = Folder::open(temporary.path()).unwrap();
        let (all, ends) = keep(&folder, &steps, true);
        let path = last_log(&folder);
        let whole = fs::read(&path).unwrap();
        // Near the ends of frames, and some between them.
        let near = |cut: &usize| cut.is_multiple_of(7) || ends.iter().any(|end| cut.abs_diff(*end as usize) <= 2);
        for cut in (HEADER..=whole.len()).rev().filter(near) {
            fs::write(&path, &whole[..cut]).unwrap();
            let (found, machine) = recovered(&folder).unwrap();
            let complete = ends.iter().rposition(|end| *end <= cut as u64).unwrap();
            prop_assert!(machine == all[complete], "cut at {cut}: {machine}\nnot {}", all[complete]);
            prop_assert_eq!(found.dropped, cut as u64 - ends[complete]);
            prop_assert_eq!(fs::metadata(&path).unwrap().len(), ends[complete], "what is dropped is gone");
        }
    }

    /// A bit that flips in the last frame costs that frame, which is said. Anywhere before it is an error that says where.
    #[test]
    fn a_flipped_bit_is_found(steps in steps(), bits in vec(any::<proptest::sample::Index>(), 30)) {
        let temporary = temporary();
        let folder = Folder::open(temporary.path()).unwrap();
        let (all, ends) = keep(&folder, &steps, false);
        let path = last_log(&folder);
        let whole = fs::read(&path).unwrap();
        let last = ends[ends.len() - 2];
        for bit in bits {
            let bit = bit.index(8 * whole.len());
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &damaged).unwrap();
            let offset_of_damage = (bit / 8) as u64;
            match recovered(&folder) {
                Ok((found, machine)) => {
                    prop_assert!(offset_of_damage >= last, "a flip at {offset_of_damage} was passed over");
                    prop_assert_eq!(found.dropped, whole.len() as u64 - last);
                    prop_assert_eq!(&machine, &all[all.len() - 2]);
                }
                Err(DataError::Damaged { file, offset, .. }) => {
                    prop_assert!(offset_of_damage < last, "{offset} for a flip at {offset_of_damage}");
                    prop_assert_eq!(&file, &path);
                    let frame = ends.iter().rev().find(|end| **end <= offset_of_damage).copied().unwrap_or(0);
                    prop_assert_eq!(offset, frame);
                }
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
    }

    /// A dump is all there is to know.
    #[test]
    fn a_snapshot_is_the_machine(steps in steps()) {
        let temporary = temporary();
        let folder = Folder::open(temporary.path()).unwrap();
        let mut machine = empty();
        for (index, step) in steps.iter().enumerate() {
            step.take(at(100 * index as u64), &mut machine);
        }
        snapshot::write(&folder, 1, &machine).unwrap();
        let mut again = empty();
        snapshot::read(&folder, 1, &mut again).unwrap();
        prop_assert_eq!(known(&again), known(&machine));

        // Of a snapshot nothing can be spared.
        let path = folder.file(Kind::Snapshot, 1);
        let is_damaged =
            || matches!(snapshot::read(&folder, 1, &mut empty()), Err(DataError::Damaged { .. }));
        let whole = fs::read(&path).unwrap();
        for cut in (0..whole.len()).step_by(11) {
            fs::write(&path, &whole[..cut]).unwrap();
            prop_assert!(is_damaged());
            let mut damaged = whole.clone();
            damaged[cut] ^= 1;
            fs::write(&path, &damaged).unwrap();
            prop_assert!(is_damaged());
        }
    }
}

fn open_session(id: i64) -> Step {
    Step::Apply(Transaction::OpenSession { id, password: vec![id as u8; 16], timeout: at(4_000) })
}

fn create(path: &str, data: &[u8]) -> Step {
    let (path, data) = (path.to_owned(), Some(data.to_vec()));
    let op = Op::Create { path, data, acl: Acl::open(), flags: 0, container: false };
    Step::Apply(Transaction::Write(Author::of(1), op))
}

#[test]
fn every_cut_of_a_log_and_every_byte_of_its_end() {
    let temporary = temporary();
    let folder = Folder::open(temporary.path()).unwrap();
    let (all, ends) = keep(&folder, &[open_session(1), create("/a", b"1"), create("/b", b"2")], false);
    let path = last_log(&folder);
    let whole = fs::read(&path).unwrap();
    for cut in 0..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        match recovered(&folder) {
            Ok((_, machine)) => {
                let complete = ends.iter().rposition(|end| *end <= cut as u64).unwrap();
                assert_eq!(machine, all[complete], "{cut}");
            }
            // A header is written before the file gets its name.
            Err(DataError::Damaged { offset: 0, .. }) => assert!(cut < HEADER),
            Err(other) => panic!("{cut}: {other}"),
        }
    }
    // Zeros, as file systems leave them, and anything else.
    for garbage in [vec![0; 5_000], vec![0xff; 100], b"anything".repeat(9)] {
        fs::write(&path, [&whole[..], &garbage].concat()).unwrap();
        let (found, machine) = recovered(&folder).unwrap();
        assert_eq!((machine.as_str(), found.dropped), (all[3].as_str(), garbage.len() as u64));
    }
}

/// The data of a znode may be a piece of a log: it is no frame where it stands.
#[test]
fn what_clients_write_is_never_taken_for_a_frame() {
    let temporary = temporary();
    let folder = Folder::open(temporary.path()).unwrap();
    keep(&folder, &[open_session(1), create("/a", b"1")], false);
    let log = fs::read(last_log(&folder)).unwrap();
    fs::remove_file(last_log(&folder)).unwrap();
    let (all, ends) = keep(&folder, &[open_session(1), create("/a", &log)], false);
    let path = last_log(&folder);
    let mut whole = fs::read(&path).unwrap();
    whole[ends[1] as usize] ^= 1;
    fs::write(&path, &whole).unwrap();
    let (found, machine) = recovered(&folder).unwrap();
    assert_eq!((machine.as_str(), found.dropped), (all[1].as_str(), ends[2] - ends[1]));
}

#[test]
fn gaps_are_errors() {
    let steps = [open_session(1), create("/a", b""), Step::Snapshot, create("/b", b""), create("/c", b"")];
    let temporary = temporary();
    let folder = Folder::open(temporary.path()).unwrap();
    // The third step's snapshot counts: its number is even.
    keep(&folder, &[&steps[..], &[Step::Snapshot, create("/d", b"")]].concat(), true);
    let file = |kind, generation| folder.file(kind, generation);
    let broken = |change: &dyn Fn(), undo: &dyn Fn()| {
        change();
        let error = recovered(&folder).err().expect("an error").to_string();
        undo();
        error
    };
    let rename = |from: PathBuf| {
        let away = temporary.path().join("away");
        let back = (away.clone(), from.clone());
        (move || fs::rename(&from, &away).unwrap(), move || fs::rename(&back.0, &back.1).unwrap())
    };
    for (kind, generation, missing) in
        [(Kind::Log, 2, "log-0000000000000002"), (Kind::Snapshot, 2, "log-0000000000000001")]
    {
        let (change, undo) = rename(file(kind, generation));
        let error = broken(&change, &undo);
        assert!(error.ends_with(&format!("{missing} is missing")), "{error}");
    }
    // The log before the last one ends too early: in the midst of a frame, and between two.
    let path = file(Kind::Log, 2);
    let whole = fs::read(&path).unwrap();
    let first = HEADER + 16 + u64::from_be_bytes(whole[HEADER..HEADER + 8].try_into().unwrap()) as usize;
    let put = |bytes: &[u8]| fs::write(&path, bytes).unwrap();
    let error = broken(&|| put(&whole[..whole.len() - 1]), &|| put(&whole));
    assert!(error.contains("log-0000000000000002") && error.contains("in the midst"), "{error}");
    let error = broken(&|| put(&whole[..first]), &|| put(&whole));
    assert!(error.contains("log-0000000000000003 is damaged at offset 0: it goes on from zxid"), "{error}");
    recovered(&folder).unwrap();
}

fn place(folder: &Path, snapshot_after: u64) -> Place {
    Place { folder: folder.to_owned(), snapshot_after }
}

/// As a server does.
fn apply(storage: &mut Storage, machine: &mut Machine, step: &Step) {
    let Step::Apply(transaction) = step else { panic!("{step:?}") };
    let prepared = Storage::prepare(machine.wall(at(0)), transaction);
    let outcome = machine.apply(at(0), transaction.clone());
    storage.applied(prepared, &outcome, machine);
}

#[test]
fn snapshots_take_the_place_of_logs() {
    let temporary = temporary();
    let place = place(&temporary.path().join("new/folder"), 2_000);
    let mut machine = empty();
    let mut storage = Storage::open(&place, FIRST, &mut machine).unwrap();
    apply(&mut storage, &mut machine, &open_session(1));
    for index in 0..200 {
        apply(&mut storage, &mut machine, &create(&format!("/{index}"), &[7; 100]));
    }
    storage.close(&machine).unwrap();
    let folder = Folder::open(&place.folder).unwrap();
    let files = folder.files().unwrap();
    assert_eq!((files.snapshots.len(), files.logs.len()), (1, 1), "what is old is removed");
    assert_eq!(files.snapshots, files.logs);
    assert!(*files.snapshots.last().unwrap() > 2, "one was written before the end: {files:?}");
    assert_eq!(recovered(&folder).unwrap().1, known(&machine));
}

#[test]
fn every_start_is_a_later_epoch() {
    let temporary = temporary();
    let mut last = 0;
    for start in 0..4 {
        let mut machine = empty();
        let mut storage = Storage::open(&place(temporary.path(), 1 << 20), FIRST, &mut machine).unwrap();
        let first = machine.last_zxid();
        assert!(first >> 32 > last >> 32 && first >= FIRST, "{first:#x} after {last:#x}");
        last = first;
        if start % 2 == 0 {
            apply(&mut storage, &mut machine, &open_session(start));
            last = machine.last_zxid();
            storage.close(&machine).unwrap();
        } else {
            // As where the process dies: nothing is written at the end.
            drop(storage.work);
            storage.thread.join().unwrap();
        }
    }
}

#[test]
fn a_folder_is_taken_by_one_alone_and_only_if_nothing_else_is_in_it() {
    let temporary = temporary();
    let open = |path: &Path| Storage::open(&place(path, 1 << 20), FIRST, &mut empty());
    let storage = open(temporary.path()).unwrap();
    let refused = |path: &Path| open(path).err().expect("an error");
    assert!(matches!(refused(temporary.path()), DataError::InUse { .. }));
    storage.close(&empty()).unwrap();
    open(temporary.path()).unwrap().close(&empty()).unwrap();

    let foreign = temporary.path().join("myid");
    fs::write(&foreign, "1").unwrap();
    assert!(matches!(refused(temporary.path()), DataError::Foreign { file } if file == foreign));
    assert!(matches!(refused(&foreign), DataError::NoFolder { path } if path == foreign));
    assert!(matches!(refused(&foreign.join("below")), DataError::Refused { .. }));
    fs::remove_file(&foreign).unwrap();
    fs::write(temporary.path().join("log-00000000000000ff.incomplete"), "of a crash").unwrap();
    open(temporary.path()).unwrap().close(&empty()).unwrap();
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 3, "the lock, a snapshot and a log");
}

#[test]
fn files_of_others_are_not_guessed_at() {
    let temporary = temporary();
    let folder = Folder::open(temporary.path()).unwrap();
    keep(&folder, &[open_session(1)], false);
    let path = last_log(&folder);
    let whole = fs::read(&path).unwrap();
    let mut later = whole.clone();
    later[11] = 2;
    let checksum = crc32fast::hash(&later[..HEADER - 4]).to_be_bytes();
    later[HEADER - 4..HEADER].copy_from_slice(&checksum);
    fs::write(&path, later).unwrap();
    let error = recovered(&folder).err().unwrap();
    assert!(matches!(error, DataError::Format { found: 2, expected: 1, .. }), "{error}");
    // A file that was renamed.
    fs::write(&path, &whole).unwrap();
    fs::write(folder.file(Kind::Log, 2), &whole).unwrap();
    let error = recovered(&folder).err().unwrap().to_string();
    assert!(
        error.contains("log-0000000000000002 is damaged at offset 0: the header is that of another file"),
        "{error}"
    );
}

/// A machine of another version that decides otherwise would make something else of the same log.
#[test]
fn who_comes_to_something_else_says_so() {
    let temporary = temporary();
    let folder = Folder::open(temporary.path()).unwrap();
    let mut machine = empty();
    let mut log = Log::create(&folder, 1, 0).unwrap();
    for step in [open_session(1), create("/a", b"")] {
        log.append(&step.take(at(0), &mut machine)).unwrap();
    }
    // Of this machine it was the second node there.
    let record = create("/a", b"").take(at(0), &mut empty());
    log.append(&record).unwrap();
    let error = recovered(&folder).err().unwrap().to_string();
    assert!(error.contains("a write, comes to something else"), "{error}");
}

/// Nothing counts as written that was not.
#[test]
fn a_disk_that_takes_nothing_fails_the_storage() {
    let temporary = temporary();
    let place = place(&temporary.path().join("data"), 1);
    let mut machine = empty();
    let mut storage = Storage::open(&place, FIRST, &mut machine).unwrap();
    // The next log cannot be created.
    fs::remove_dir_all(&place.folder).unwrap();
    for id in 1..3 {
        apply(&mut storage, &mut machine, &open_session(id));
    }
    let progress = storage.progress();
    let error = storage.close(&machine).unwrap_err();
    assert!(matches!(&*error, DataError::Refused { .. }), "{error}");
    let told = progress.borrow().failed.clone().unwrap();
    assert!(Arc::ptr_eq(&told, &error));
    assert!(error.to_string().contains(&place.folder.display().to_string()), "{error}");
}

#[test]
fn a_log_goes_on_behind_what_was_dropped() {
    let temporary = temporary();
    let folder = Folder::open(temporary.path()).unwrap();
    keep(&folder, &[open_session(1)], false);
    OpenOptions::new().append(true).open(last_log(&folder)).unwrap().write_all(&[1; 50]).unwrap();
    let mut machine = empty();
    let mut found = recover(&folder, &mut machine).unwrap();
    assert_eq!(found.dropped, 50);
    found.log.append(&create("/a", b"").take(at(0), &mut machine)).unwrap();
    let (found, again) = recovered(&folder).unwrap();
    assert_eq!((found.dropped, again), (0, known(&machine)));
}
