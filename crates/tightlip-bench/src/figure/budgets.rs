//! What each method has proved after a fixed time: the middle of its gaps over all networks, for each decade of seconds.
//!
//! A network on which a method has nothing yet has a gap larger than any: leaving it out would reward whoever answers the
//! easy questions only. So the middle exists where more than half of the networks have a proof.

use std::collections::BTreeMap;

use super::Figure;
use super::course::{Course, LEAST_GAP, courses, optimum};
use crate::number_text;
use crate::plot::{Axis, Chart, Point, Series, Shape};
use crate::record::{Question, Record};
use crate::results::Results;

/// Proved gap at fixed budgets of seconds.
pub struct Budgets;

impl Figure for Budgets {
    fn name(&self) -> &'static str {
        "budgets"
    }

    fn title(&self) -> &'static str {
        "What is proved within a time"
    }

    fn caption(&self) -> &'static str {
        "Proved bound over the relaxation's optimum (its best proved lower bound in this run), minus 1, reached within so many \
         seconds of iterating and proving, building the program not included: medians over networks, both axes \
         logarithmic, repetition 1. A network without a proof in time counts as a gap larger than any, so a point is \
         missing where that are half of them or more."
    }

    fn needs(&self) -> &'static str {
        "traces with proved bounds, and a proved lower bound of the relaxation's optimum"
    }

    fn draw(&self, results: &Results) -> Option<Chart> {
        let axes = (Axis::logarithmic("budget in s"), Axis::logarithmic("median of proved bound ÷ optimum − 1"));
        let mut chart = Chart::new(self.title(), axes.0, axes.1);
        let courses = courses(results);
        let asked = asked(results, &courses);
        let budgets = decades(results, asked.values().flatten().flatten());
        let mut counts = Vec::new();
        for (method, networks) in &asked {
            let gaps = |budget: f64| networks.iter().map(move |course| course.and_then(|c| c.gap_within(budget)));
            let proved = budgets.iter().map(|budget| gaps(*budget).flatten().count().to_string());
            counts.push(format!("{method} {} of {}", proved.collect::<Vec<_>>().join(", "), networks.len()));
            let points: Vec<Point> = budgets
                .iter()
                .filter_map(|budget| point(method, *budget, &gaps(*budget).collect::<Vec<_>>()))
                .collect();
            let series = |shape, points| Series::new(*method, results.style(method), shape, points);
            chart.series.push(series(Shape::Line, points.clone()));
            chart.series.push(series(Shape::Points, points));
        }
        let seconds: Vec<String> = budgets.iter().map(|budget| number_text::seconds(*budget)).collect();
        chart.notes.push(format!("Networks with a proof within {}: {}.", seconds.join(", "), counts.join("; ")));
        chart.drawable()
    }
}

/// For each method with a course, the questions whose optimum is bounded from below: its course, nothing where it has none.
fn asked<'c, 'r>(results: &'r Results, courses: &'c [Course<'r>]) -> BTreeMap<&'r str, Vec<Option<&'c Course<'r>>>> {
    let known: BTreeMap<(&Question, &str), &Course> =
        courses.iter().map(|course| ((&course.question, course.method), course)).collect();
    let mut asked: BTreeMap<&str, Vec<Option<&Course>>> = BTreeMap::new();
    for cell in results.upper_cells() {
        let follows = known.keys().any(|(_, method)| *method == cell.method);
        if follows && optimum(results, &cell.question, &cell.method).is_some() {
            let course = known.get(&(&cell.question, cell.method.as_str())).copied();
            asked.entry(&cell.method).or_default().push(course);
        }
    }
    asked
}

/// Powers of ten from the first within which something was proved to the first within which everything was, none of them
/// beyond the time limit.
fn decades<'c, 'r: 'c>(results: &Results, courses: impl Iterator<Item = &'c &'c Course<'r>>) -> Vec<f64> {
    let proved = courses.flat_map(|course| course.steps.iter().filter(|step| course.gap(step).is_some()));
    let decades: Vec<i32> = proved.filter(|step| step.time_s > 0.0).map(|step| decade(step.time_s)).collect();
    let limit = results.records().iter().map(|row: &Record| row.time_limit_s).fold(0.0, f64::max);
    let (Some(first), Some(last)) = (decades.iter().min(), decades.iter().max()) else { return Vec::new() };
    (*first..=*last).map(|exponent| 10f64.powi(exponent)).filter(|budget| *budget <= limit).collect()
}

/// The exponent of the next power of ten.
fn decade(seconds: f64) -> i32 {
    seconds.log10().ceil() as i32
}

/// The middle of the gaps at a budget; nothing where half of the networks or more have none.
fn point(method: &str, budget: f64, gaps: &[Option<f64>]) -> Option<Point> {
    let proved = gaps.iter().flatten().count();
    let mut sorted: Vec<f64> = gaps.iter().map(|gap| gap.map_or(f64::INFINITY, |gap| gap.max(LEAST_GAP))).collect();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len();
    let y = f64::midpoint(sorted[(count - 1) / 2], sorted[count / 2]);
    let seconds = number_text::seconds(budget);
    let tip = format!("{method}\nwithin {seconds}: median gap {y:.1e}\n{proved} of {count} networks have a proof");
    y.is_finite().then_some(Point { x: budget, y, tip })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{self, record};
    use crate::record::{Record, Status, TraceRecord};

    const METHOD: &str = "lipsdp-neuron.lifted";

    fn row(network: &str) -> Record {
        Record { relaxation_lower: Some(2.0), ..record(network, METHOD) }
    }

    fn step(network: &str, time_s: f64, proved: Option<f64>) -> TraceRecord {
        let mut step = planted::run().traces()[0].clone();
        (step.network, step.time_s, step.proved) = (network.to_owned(), time_s, proved);
        step
    }

    fn middles(rows: Vec<Record>, steps: Vec<TraceRecord>) -> (Vec<(f64, f64)>, Vec<String>) {
        let chart = Budgets.draw(&Results::new(rows, steps, vec![], None)).expect("proofs");
        let markers = chart.series.iter().filter(|series| series.shape == Shape::Points);
        let places = markers.flat_map(|series| &series.points).map(|point| (point.x, point.y));
        (places.collect(), chart.notes.clone())
    }

    #[test]
    fn a_budget_has_the_median_of_what_was_proved_within_it() {
        let steps = vec![
            step("a", 0.05, Some(4.0)),
            step("a", 0.5, Some(3.0)),
            step("b", 0.001, None),
            step("b", 0.02, Some(2.5)),
            step("c", 0.9, Some(2.25)),
        ];
        let (places, notes) = middles(["a", "b", "c"].map(row).into(), steps);
        assert_eq!(places, [(0.1, 1.0), (1.0, 0.25)]);
        assert_eq!(notes, ["Networks with a proof within 100 ms, 1.00 s: lipsdp-neuron.lifted 2, 3 of 3."]);
    }

    #[test]
    fn a_network_without_a_proof_counts_against_the_method_and_half_of_them_leave_no_point() {
        let killed = Record { status: Status::Killed, proved: None, ..row("c") };
        let steps = vec![step("a", 0.05, Some(3.0)), step("b", 0.5, Some(2.5))];
        let (places, notes) = middles(vec![row("a"), row("b"), killed.clone()], steps.clone());
        assert_eq!(places, [(1.0, 0.5)], "the larger of two gaps is the middle of three");
        assert!(notes[0].ends_with(" 1, 2 of 3."), "{notes:?}");
        let other = Record { network: "d".to_owned(), ..killed.clone() };
        let rows = vec![row("a"), row("b"), killed, other];
        assert_eq!(Budgets.draw(&Results::new(rows, steps, vec![], None)), None, "two of four");
    }

    #[test]
    fn without_a_bound_of_the_optimum_there_is_no_gap_and_no_budget_exceeds_the_time_limit() {
        let steps = vec![step("a", 0.5, Some(3.0)), step("a", 15.0, Some(2.5))];
        let unbounded = Results::new(vec![record("a", METHOD)], steps.clone(), vec![], None);
        assert_eq!(Budgets.draw(&unbounded), None);
        let (places, _) = middles(vec![Record { time_limit_s: 20.0, ..row("a") }], steps);
        assert_eq!(places, [(1.0, 0.5), (10.0, 0.5)]);
    }
}
