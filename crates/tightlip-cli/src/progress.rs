//! Lines on stderr that say what is going on, when stderr is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tightlip::{Context, Stage};
use tightlip_model::Limits;

pub use cells::CellDisplay;

mod cells;

/// A running display; it clears itself when dropped.
pub struct Display(ProgressBar);

impl Display {
    /// A display and a context that feeds it. Nothing is drawn where stderr is not a terminal.
    pub fn start(limits: Limits, tolerance: f64) -> (Self, Context) {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(
            ProgressStyle::with_template("{spinner} {elapsed} {msg}").expect("the template names known fields"),
        );
        bar.enable_steady_tick(Duration::from_millis(120));
        let shown = bar.clone();
        let mut context = Context::new(limits, move |stage| shown.set_message(message(stage)));
        context.tolerance = tolerance;
        (Self(bar), context)
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// The words for a stage.
fn message(stage: &Stage) -> String {
    match stage {
        Stage::Assembling => "assembling".to_owned(),
        Stage::Solving { iteration, claimed, gap } => {
            let gap = gap.map_or_else(String::new, |gap| format!(", gap {gap:.1e}"));
            format!("solving: iteration {iteration}, value {claimed:.6}{gap}")
        }
        Stage::Enumerating { done, total } => {
            let percent = 100.0 * *done as f64 / (*total).max(1) as f64;
            format!("enumerating: {percent:.0} % of {total} patterns")
        }
        Stage::Branching { nodes, open, lower, upper } => {
            let gap = 100.0 * (upper / lower - 1.0);
            format!("branching: {nodes} nodes, {open} open, between {lower:.6} and {upper:.6} ({gap:.2} %)")
        }
        Stage::Certifying => "proving".to_owned(),
        Stage::SearchingLowerBound => "searching a steep pair of points".to_owned(),
        _ => "working".to_owned(),
    }
}
