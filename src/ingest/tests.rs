//! Every thread of a run ends, whichever of them fails first.

use std::sync::atomic::AtomicUsize;
use std::sync::mpsc;
use std::time::Duration;

use super::*;
use crate::mail::Envelope;
use crate::source::Belief;

/// More units than all queues hold.
const INPUTS: usize = 3_000;
/// Far more than a run takes, and far less than for ever.
const LONGEST: Duration = Duration::from_secs(120);

fn options() -> IngestOptions {
    IngestOptions {
        limits: Limits::default(),
        keep_raw: true,
        now: 1_790_000_000,
        examiners: 3,
        left_to_do: Vec::new(),
        stop: Arc::default(),
    }
}

fn input(number: usize) -> Input {
    let record = |host: usize| {
        format!(
            "<record><row><source_ip>198.51.{}.{host}</source_ip><count>3</count></row><identifiers>\
             <header_from>h{number}.tern.example</header_from></identifiers></record>",
            number % 250
        )
    };
    let document = format!(
        "<feedback><report_metadata><org_name>mx.example</org_name><report_id>{number}</report_id><date_range>\
         <begin>1790000000</begin><end>1790086399</end></date_range></report_metadata>\
         <policy_published><domain>tern.example</domain><p>none</p></policy_published>{}</feedback>",
        (0..60).map(record).collect::<String>()
    );
    Input {
        location: format!("{number}.xml"),
        file_name: None,
        is_mail: false,
        envelope: Envelope::default(),
        receipt: None,
        belief: Belief::Nobody,
        content: Content::Bytes(Arc::new(document.into_bytes())),
    }
}

/// Runs on a thread of its own, so that a run that hangs is a failure and not a hanging test.
fn within<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || {
        let _ = done.send(run());
    });
    ended.recv_timeout(LONGEST).expect("the run ends")
}

/// Pushes inputs until no more are wanted, with a pause after every few; counts them.
fn push_all(sink: &mut dyn InputSink, pushed: &AtomicUsize, pause_after: usize) {
    for number in 0..INPUTS {
        if number % pause_after == pause_after - 1 {
            std::thread::sleep(Duration::from_millis(1));
        }
        if !sink.push(input(number)) {
            return;
        }
        pushed.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_full_database_ends_the_run_with_many_inputs_left() {
    for pause_after in [usize::MAX, 20] {
        let (error, pushed, stop) = within(move || {
            let mut store = Store::in_memory().unwrap();
            store.limit_pages(60).unwrap();
            let (options, pushed) = (options(), AtomicUsize::new(0));
            let result = ingest(&mut store, &options, |sink| push_all(sink, &pushed, pause_after), &mut Silent);
            (result.unwrap_err(), pushed.into_inner(), options.stop.load(Ordering::Relaxed))
        });
        assert!(matches!(error, StoreError::Full), "{error}");
        assert!(pushed < INPUTS && stop, "the loader was told: {pushed} pushed");
    }
}

#[test]
fn a_source_that_panics_ends_the_run_with_what_it_had_read() {
    let summary = within(|| {
        let mut store = Store::in_memory().unwrap();
        let source = |sink: &mut dyn InputSink| {
            (0..UNIT_INPUTS * 3).for_each(|number| {
                sink.push(input(number));
            });
            panic!("a source fails (meant, for a test)");
        };
        ingest(&mut store, &options(), source, &mut Silent).unwrap()
    });
    assert_eq!((summary.new, summary.failed.len()), (UNIT_INPUTS as u64 * 3, 1));
}

/// Panics at the first progress it hears of.
struct Panicking;

impl Observer for Panicking {
    fn progress(&mut self, _: &IngestSummary) {
        panic!("an observer fails (meant, for a test)");
    }
}

#[test]
fn an_observer_that_panics_leaves_no_thread_behind() {
    let pushed = within(|| {
        let pushed = AtomicUsize::new(0);
        let run = AssertUnwindSafe(|| {
            let mut store = Store::in_memory().unwrap();
            ingest(&mut store, &options(), |sink| push_all(sink, &pushed, usize::MAX), &mut Panicking)
        });
        assert!(catch_unwind(run).is_err());
        pushed.into_inner()
    });
    assert!(pushed < INPUTS);
}

#[test]
fn told_to_stop_a_run_commits_what_is_whole_and_ends() {
    let (summary, there) = within(|| {
        let mut store = Store::in_memory().unwrap();
        let options = options();
        let source = |sink: &mut dyn InputSink| {
            for number in 0..INPUTS {
                if number == 500 {
                    options.stop.store(true, Ordering::Relaxed);
                }
                if !sink.push(input(number)) {
                    return;
                }
            }
        };
        let summary = ingest(&mut store, &options, source, &mut Silent).unwrap();
        (summary, store.count_reports().unwrap())
    });
    assert_eq!(summary.new, there, "what is told is stored");
    assert!(there < INPUTS as u64, "{there}");
}

#[test]
fn an_examiner_that_breaks_off_frees_those_behind_it() {
    within(|| {
        let buffer = Arc::new(ReorderBuffer::default());
        let (chunks, _taken) = reorder_buffer::chunks();
        std::thread::scope(|scope| {
            let mut behind = Sender::new(Arc::clone(&buffer), chunks);
            let waiting = scope.spawn(move || {
                behind.begin(1);
                // Not its last chunk, so it waits for its turn.
                (0..8).for_each(|number| {
                    let reason = "x".repeat(1024);
                    behind.push(event::Event::Failed { location: number.to_string(), reason });
                });
                (0..8192).for_each(|_| behind.push(event::Event::Discard));
                behind.closed
            });
            std::thread::sleep(Duration::from_millis(30));
            let broken = std::thread::Builder::new().spawn_scoped(scope, || {
                let queue = WorkQueue::new(1);
                let _worker = Worker { queue: &queue, buffer: &buffer };
                panic!("an examiner fails (meant, for a test)");
            });
            assert!(broken.unwrap().join().is_err());
            assert!(waiting.join().unwrap() && buffer.is_broken());
        });
    });
}
