//! How fast the proved bound of an iterative method falls to the optimum of its relaxation.
//!
//! The gap is proved(t) / reference − 1. The reference is the best proved lower bound of the relaxation's optimum among
//! the rows of the question and the method's formulation, so that the gap is itself proved; where there is none, the
//! best bound proved at all, whose own gap is left out because it would be 0.

use std::collections::{BTreeMap, BTreeSet};

use super::Figure;
use crate::number_text;
use crate::plot::{Axis, Chart, Point, Series, Shape, Style};
use crate::record::{Question, Record, TraceRecord};
use crate::results::Results;

/// More lines than this cannot be told apart.
const MOST_NETWORKS: usize = 12;
/// Gaps below this are rounding.
const LEAST_GAP: f64 = 1e-12;

/// Proved gap against seconds.
pub struct Convergence;

/// The steps of one method on one question.
type Runs<'r> = BTreeMap<(Question, &'r str), Vec<&'r TraceRecord>>;

impl Figure for Convergence {
    fn name(&self) -> &'static str {
        "convergence"
    }

    fn title(&self) -> &'static str {
        "Convergence of the proved bound"
    }

    fn caption(&self) -> &'static str {
        "Proved bound over the relaxation's optimum (its best proved lower bound, or else the best bound proved in this run), \
         minus 1, against seconds of iterating, both axes logarithmic. One line for each network and method, repetition 1."
    }

    fn needs(&self) -> &'static str {
        "traces of an iterative method with proved bounds"
    }

    fn draw(&self, results: &Results) -> Option<Chart> {
        let axes = (Axis::logarithmic("time in s"), Axis::logarithmic("proved bound ÷ optimum − 1"));
        let mut chart = Chart::new(self.title(), axes.0, axes.1);
        let mut runs = runs(results);
        let total = keep_some_networks(&mut runs);
        let mut methods: Vec<&str> = runs.keys().map(|(_, method)| *method).collect();
        methods.sort_unstable();
        methods.dedup();
        let mut questions: Vec<&Question> = runs.keys().map(|(question, _)| question).collect();
        questions.dedup();
        for ((question, method), steps) in &runs {
            let index = questions.iter().position(|other| *other == question).unwrap_or(0);
            // With one method the colours tell networks, with several they tell methods, as in every figure.
            let (name, style) = if methods.len() == 1 {
                (question.label(), Style::nth(index))
            } else {
                ((*method).to_owned(), results.style(method).with_variant(index))
            };
            let points = points(steps, reference(results, question, method));
            chart.series.push(Series::new(name, style, Shape::Line, points));
        }
        if total > questions.len() {
            let shown = questions.len();
            chart
                .notes
                .push(format!("{shown} of {total} networks are shown, chosen evenly from the list of their names."));
        }
        if let [method] = methods[..] {
            chart.notes.push(format!("The method is {method}."));
        }
        chart.drawable()
    }
}

/// Steps of the first repetition, by question and method; an estimate converges to no bound.
fn runs(results: &Results) -> Runs<'_> {
    let estimates: BTreeSet<&str> =
        results.records().iter().filter(|row| row.is_estimate()).map(|row| row.method.as_str()).collect();
    let bounds = |step: &&TraceRecord| !estimates.contains(step.method.as_str());
    let mut runs: Runs = BTreeMap::new();
    for step in results.traces().iter().filter(|step| step.repetition == 1).filter(bounds) {
        let question = Question {
            network: step.network.clone(),
            input_norm: step.input_norm.clone(),
            output_norm: step.output_norm.clone(),
            output: step.output.clone(),
        };
        runs.entry((question, &step.method)).or_default().push(step);
    }
    runs
}

/// Leaves at most [`MOST_NETWORKS`] questions, evenly spread over their order; returns how many there were.
fn keep_some_networks(runs: &mut Runs) -> usize {
    let mut questions: Vec<Question> = runs.keys().map(|(question, _)| question.clone()).collect();
    questions.dedup();
    let total = questions.len();
    if total > MOST_NETWORKS {
        let chosen: Vec<&Question> = (0..MOST_NETWORKS).map(|k| &questions[k * total / MOST_NETWORKS]).collect();
        runs.retain(|(question, _), _| chosen.contains(&question));
    }
    total
}

/// What the gap is measured from.
fn reference(results: &Results, question: &Question, method: &str) -> Option<f64> {
    let formulation = method.split('.').next().unwrap_or(method);
    let same = |row: &&Record| row.question() == *question && row.formulation() == formulation && !row.is_estimate();
    let rows = || results.records().iter().filter(same);
    let lower = rows().filter_map(|row| row.relaxation_lower).reduce(f64::max);
    lower.or_else(|| {
        let steps = results.traces().iter().filter(|step| step.network == question.network && step.method == method);
        rows().filter_map(Record::upper).chain(steps.filter_map(|step| step.proved)).reduce(f64::min)
    })
}

fn points(steps: &[&TraceRecord], reference: Option<f64>) -> Vec<Point> {
    let Some(reference) = reference.filter(|reference| *reference > 0.0) else { return Vec::new() };
    let point = |step: &&TraceRecord| {
        let y = step.proved? / reference - 1.0;
        let seconds = number_text::seconds(step.time_s);
        let tip = format!("{}\n{}\nfrom {seconds}, gap {y:.1e}", step.network, step.method);
        (y > LEAST_GAP).then_some(Point { x: step.time_s, y, tip })
    };
    steps.iter().filter_map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{self, record};

    fn step(network: &str, time_s: f64, proved: f64) -> TraceRecord {
        let mut step = planted::run().traces()[0].clone();
        (step.network, step.time_s, step.proved) = (network.to_owned(), time_s, Some(proved));
        step
    }

    #[test]
    fn the_gap_is_measured_from_the_proved_optimum_of_the_relaxation() {
        let row = Record { relaxation_lower: Some(2.0), ..record("net", "lipsdp-neuron.full.clarabel") };
        let steps = vec![step("net", 0.5, 3.0), step("net", 1.0, 2.5)];
        let chart = Convergence.draw(&Results::new(vec![row], steps, vec![], None)).expect("steps");
        let gaps: Vec<(f64, f64)> = chart.series[0].points.iter().map(|point| (point.x, point.y)).collect();
        assert_eq!(gaps, [(0.5, 0.5), (1.0, 0.25)]);
    }

    #[test]
    fn without_a_lower_bound_the_best_proved_value_is_the_reference_and_its_own_gap_is_left_out() {
        let steps = vec![step("net", 0.5, 3.0), step("net", 1.0, 2.0)];
        let chart = Convergence.draw(&Results::new(vec![], steps, vec![], None)).expect("steps");
        assert_eq!(chart.series[0].points.len(), 1);
        assert_eq!(chart.series[0].points[0].y, 0.5);
    }

    #[test]
    fn an_estimate_has_no_line_and_is_no_reference() {
        let method = "lipsdp-neuron.lifted";
        let named = |row: Record| Record { method: "lipsdp-neuron.estimate".into(), ..row };
        let estimate = Record { relaxation_lower: Some(2.4), ..named(planted::estimate("net", 1.5)) };
        let bound = Record { relaxation_lower: Some(2.0), ..record("net", method) };
        let mut steps = vec![step("net", 0.5, 3.0), step("net", 1.0, 2.5)];
        steps.extend(steps.clone().into_iter().map(|step| TraceRecord { method: estimate.method.clone(), ..step }));
        let chart = Convergence.draw(&Results::new(vec![estimate, bound], steps, vec![], None)).expect("steps");
        let gaps: Vec<f64> = chart.series.iter().flat_map(|series| &series.points).map(|point| point.y).collect();
        assert_eq!(gaps, [0.5, 0.25]);
    }

    #[test]
    fn of_many_networks_twelve_are_shown_and_the_caption_says_so() {
        let steps =
            (0..30).flat_map(|k| [step(&format!("net {k:02}"), 0.5, 3.0), step(&format!("net {k:02}"), 1.0, 2.0)]);
        let chart = Convergence.draw(&Results::new(vec![], steps.collect(), vec![], None)).expect("steps");
        assert_eq!(chart.series.len(), 12);
        assert!(chart.notes[0].starts_with("12 of 30 networks"), "{:?}", chart.notes);
    }
}
