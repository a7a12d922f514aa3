//! The course of a comparison: the cells that ended last, the one that runs with the time it has left, and all of them.

use std::collections::VecDeque;
use std::fmt::Write;
use std::io::{IsTerminal, Write as _};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use tightlip_bench::{Cell, Observer, Record, Work, proved_text};

/// A running display; it clears itself when dropped. Where stderr is not a terminal, a line for each cell that ended.
pub struct CellDisplay {
    lines: MultiProgress,
    ended: VecDeque<ProgressBar>,
    running: ProgressBar,
    all: ProgressBar,
    is_terminal: bool,
    place: (usize, usize),
}

/// Ended cells that are shown.
const SHOWN: usize = 16;

impl CellDisplay {
    /// An empty display.
    pub fn start() -> Self {
        let lines = MultiProgress::new();
        let running = lines.add(ProgressBar::new_spinner());
        let all = lines.add(ProgressBar::new(0));
        all.set_style(style("{bar:40} {pos} of {len} cells, {elapsed}"));
        all.enable_steady_tick(Duration::from_millis(500));
        let is_terminal = std::io::stderr().is_terminal();
        Self { lines, ended: VecDeque::new(), running, all, is_terminal, place: (0, 0) }
    }
}

impl Observer for CellDisplay {
    fn begins(&mut self, cell: &Cell, index: usize, count: usize) {
        self.place = (index, count);
        self.all.set_length(count as u64);
        self.all.set_position(index as u64 - 1);
        if !matches!(cell.work, Work::Run(_)) {
            return;
        }
        self.lines.remove(&self.running);
        self.running = self.lines.insert_before(&self.all, ProgressBar::new_spinner());
        let limit = cell.limits.time_s;
        let left = move |state: &ProgressState, line: &mut dyn Write| {
            let left = limit - state.elapsed().as_secs_f64();
            // The display fails if its line does; nothing depends on it.
            let _ = if left > 0.0 { write!(line, "{left:.0} s left") } else { write!(line, "{:.0} s over", -left) };
        };
        self.running.set_style(style("{spinner} {msg}  {elapsed}, {left}").with_key("left", left));
        let repetition = if cell.repetition > 1 { format!(", repetition {}", cell.repetition) } else { String::new() };
        self.running.set_message(format!("{:<32} {}{repetition}", cell.method, cell.network));
        self.running.enable_steady_tick(Duration::from_millis(120));
    }

    fn ended(&mut self, record: &Record) {
        let proved = record.proved.map_or_else(|| "-".to_owned(), |value| proved_text(&record.kind, value, 9));
        let seconds = record.total_s.map_or_else(String::new, |seconds| format!("{seconds:.3} s"));
        let text = format!(
            "{:<32} {:<28} {proved:>16} {seconds:>10}  {}",
            record.method,
            record.network,
            record.status.word()
        );
        if !self.is_terminal {
            let (index, count) = self.place;
            // Where nobody listens the rows are on disk all the same.
            let _ = writeln!(std::io::stderr(), "{index}/{count}  {text}");
            return;
        }
        let line = self.lines.insert_before(&self.running, ProgressBar::new_spinner());
        line.set_style(style("  {msg}"));
        line.finish_with_message(text);
        self.ended.push_back(line);
        if self.ended.len() > SHOWN
            && let Some(oldest) = self.ended.pop_front()
        {
            self.lines.remove(&oldest);
        }
        self.all.inc(1);
    }
}

impl Drop for CellDisplay {
    fn drop(&mut self) {
        self.running.finish_and_clear();
        self.all.finish_and_clear();
        // A terminal that cannot be cleared keeps the lines.
        let _ = self.lines.clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates name known fields")
}
