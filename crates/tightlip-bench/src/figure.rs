//! The figures of a report. A figure is one file and one line in [`FIGURES`]; it reads the run and describes a chart.

mod convergence;
mod memory;
mod pareto;
mod profile;
mod scaling;
mod tightness;

use crate::plot::Chart;
use crate::results::Results;

/// A question that a picture answers.
pub trait Figure: Sync {
    /// The name of its files.
    fn name(&self) -> &'static str;

    /// What it is called.
    fn title(&self) -> &'static str;

    /// What is shown, in which units, and how to read it.
    fn caption(&self) -> &'static str;

    /// What a run has to hold for it, as the reason given where it is left out.
    fn needs(&self) -> &'static str;

    /// The picture; nothing, if the run holds nothing to show.
    fn draw(&self, results: &Results) -> Option<Chart>;
}

/// Every figure, in the order of the report.
pub const FIGURES: &[&dyn Figure] = &[
    &tightness::AGAINST_WITNESS,
    &tightness::AGAINST_FORMAL,
    &pareto::Pareto,
    &profile::Profile,
    &scaling::WIDTH,
    &scaling::DEPTH,
    &memory::Memory,
    &convergence::Convergence,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted;

    #[test]
    fn every_figure_draws_a_realistic_run_and_says_no_number_that_is_none() {
        let results = planted::run();
        for figure in FIGURES {
            let chart = figure.draw(&results).unwrap_or_else(|| panic!("{} left out", figure.name()));
            let svg = chart.static_svg();
            assert!(svg.starts_with("<svg") && !svg.contains("NaN"), "{}", figure.name());
            assert!(figure.caption().ends_with('.') && !figure.needs().ends_with('.'), "{}", figure.name());
        }
    }

    #[test]
    fn names_of_figures_are_names_of_files_and_differ() {
        let mut names: Vec<&str> = FIGURES.iter().map(|figure| figure.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FIGURES.len());
        assert!(names.iter().all(|name| name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-')));
    }

    #[test]
    fn a_run_without_rows_has_no_figures() {
        let results = Results::new(Vec::new(), Vec::new(), Vec::new(), None);
        assert!(FIGURES.iter().all(|figure| figure.draw(&results).is_none()));
    }
}
