//! The figures of a report. A figure is one file and one line in [`FIGURES`]; it reads the run and describes a chart.

mod budgets;
mod convergence;
mod course;
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
    &memory::PARAMETERS,
    &memory::NEURONS,
    &convergence::SECONDS,
    &convergence::PRODUCTS,
    &budgets::Budgets,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted;
    use crate::plot::Shape;
    use crate::record::Record;

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
    fn an_estimate_is_drawn_as_a_bound_nowhere_and_marked_where_its_cost_is_shown() {
        let results = planted::run();
        let (mut marked, mut others) = (0, 0);
        for figure in FIGURES {
            let chart = figure.draw(&results).unwrap_or_else(|| panic!("{} left out", figure.name()));
            let costs = figure.name().starts_with("scaling") || figure.name().starts_with("memory");
            for series in chart.series.iter().filter(|series| series.name.contains("estimate")) {
                assert!(costs && series.name.ends_with(" (no bound)"), "{}: {}", figure.name(), series.name);
                let tips = series.points.iter().filter(|_| series.shape == Shape::Points).map(|point| &point.tip);
                assert!(tips.clone().all(|tip| tip.contains(" (no bound)")), "{}", figure.name());
                marked += tips.count();
            }
            others += chart.series.iter().filter(|series| series.name.ends_with("clarabel")).count();
        }
        assert!(marked > 0 && others > 0);
    }

    #[test]
    fn an_estimate_alone_has_no_figure_of_bounds() {
        // Ratios that no program writes, but a hand may.
        let planted = |network| Record {
            proved: Some(1.5),
            ratio_to_best_upper: Some(0.75),
            ratio_to_best_lower: Some(0.8),
            ratio_to_fgl: Some(0.9),
            ..planted::estimate(network, 1.5)
        };
        let rows = vec![planted("a"), planted("b")];
        let results = Results::new(rows, Vec::new(), Vec::new(), None);
        assert_eq!(results.cells()[0].proved, None);
        let drawn = FIGURES.iter().filter(|figure| figure.draw(&results).is_some());
        assert_eq!(drawn.map(|figure| figure.name()).collect::<Vec<_>>(), ["memory", "memory-neurons"]);
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
