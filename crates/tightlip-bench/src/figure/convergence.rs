//! How fast the proved bound of an iterative method falls to the optimum of its relaxation: in seconds, and in passes
//! through the network, which do not depend on the machine.

use super::Figure;
use super::course::{Course, LEAST_GAP, courses};
use crate::number_text;
use crate::plot::{Axis, Chart, Point, Series, Shape, Style};
use crate::record::{Question, TraceRecord};
use crate::results::Results;

/// More lines or panels than this cannot be told apart.
const MOST_NETWORKS: usize = 12;

/// Proved gap against effort.
pub struct Convergence {
    name: &'static str,
    title: &'static str,
    axis: &'static str,
    caption: &'static str,
    needs: &'static str,
    /// What was spent up to a step.
    effort: fn(&TraceRecord) -> f64,
    /// The same in words.
    words: fn(f64) -> String,
}

/// Proved gap against seconds.
pub const SECONDS: Convergence = Convergence {
    name: "convergence",
    title: "Convergence of the proved bound",
    axis: "time in s",
    caption: "Proved bound over the relaxation's optimum (its best proved lower bound, or else the best bound proved in this run), \
              minus 1, against seconds of iterating and proving, building the program not included; both axes \
              logarithmic. A bound holds until the next one is proved; a method that proves once, at its end, is a \
              single marker. Repetition 1.",
    needs: "traces of an iterative method with proved bounds",
    effort: |step| step.time_s,
    words: number_text::seconds,
};

/// Proved gap against passes of the network.
pub const PRODUCTS: Convergence = Convergence {
    name: "convergence-products",
    title: "Convergence against network passes",
    axis: "passes of the network on one vector",
    caption: "Proved bound over the relaxation's optimum (its best proved lower bound, or else the best bound proved in this run), \
              minus 1, against passes of the network forward and back on one vector, both axes logarithmic; a pass of several \
              columns counts as many. Methods that make no such passes, as the interior points, are left out; what proofs \
              cost is not counted. Repetition 1.",
    needs: "traces with proved bounds of a method that works by passes of the network",
    effort: |step| step.products as f64,
    words: |products| format!("{products} passes"),
};

impl Figure for Convergence {
    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn caption(&self) -> &'static str {
        self.caption
    }

    fn needs(&self) -> &'static str {
        self.needs
    }

    fn draw(&self, results: &Results) -> Option<Chart> {
        let mut chart =
            Chart::new(self.title, Axis::logarithmic(self.axis), Axis::logarithmic("proved bound ÷ optimum − 1"));
        let mut courses = courses(results);
        courses.retain(|course| !self.points(course).is_empty());
        chart.notes.extend(keep_some_networks(&mut courses));
        let mut questions: Vec<&Question> = courses.iter().map(|course| &course.question).collect();
        questions.dedup();
        let mut methods: Vec<&str> = courses.iter().map(|course| course.method).collect();
        methods.sort_unstable();
        methods.dedup();
        for course in &courses {
            let index = questions.iter().position(|other| **other == course.question).unwrap_or(0);
            let network = name(&course.question, &questions);
            // With one method the colours tell networks, with several they tell methods, as in every figure, and each
            // network has a panel of its own.
            let (name, style, panel) = match (&methods[..], &questions[..]) {
                ([_], _) => (network, Style::nth(index), String::new()),
                (_, [_]) => (course.method.to_owned(), results.style(course.method), String::new()),
                _ => (course.method.to_owned(), results.style(course.method), network),
            };
            let series = Series::new(name, style, Shape::Steps, self.points(course));
            chart.series.push(Series { panel, ..series });
        }
        if let [method] = methods[..] {
            chart.notes.push(format!("The method is {method}."));
        }
        if let Some(first) = questions.first().filter(|first| ask_alike(&questions) && !first.is_usual()) {
            chart.notes.push(format!("The question is {}.", first.asked()));
        }
        chart.drawable()
    }
}

impl Convergence {
    /// The proved gap at each step that has a place on both axes.
    fn points(&self, course: &Course) -> Vec<Point> {
        let point = |step: &&TraceRecord| {
            let (x, y) = ((self.effort)(step), course.gap(step)?);
            let tip = format!("{}\n{}\nfrom {}, gap {y:.1e}", step.network, course.method, (self.words)(x));
            (x > 0.0 && y > LEAST_GAP).then_some(Point { x, y, tip })
        };
        course.steps.iter().filter_map(point).collect()
    }
}

/// Leaves at most [`MOST_NETWORKS`] questions, evenly spread over their order; says so.
fn keep_some_networks(courses: &mut Vec<Course>) -> Option<String> {
    let mut questions: Vec<Question> = courses.iter().map(|course| course.question.clone()).collect();
    questions.dedup();
    let total = questions.len();
    if total <= MOST_NETWORKS {
        return None;
    }
    let chosen: Vec<&Question> = (0..MOST_NETWORKS).map(|k| &questions[k * total / MOST_NETWORKS]).collect();
    courses.retain(|course| chosen.contains(&&course.question));
    Some(format!("{MOST_NETWORKS} of {total} networks are shown, chosen evenly from the list of their names."))
}

/// What a network's line or panel is called among the others: its name, unless questions differ in more.
fn name(question: &Question, shown: &[&Question]) -> String {
    if ask_alike(shown) { question.network.clone() } else { question.label() }
}

/// Whether questions differ in nothing but their networks.
fn ask_alike(questions: &[&Question]) -> bool {
    questions.iter().all(|question| question.asked() == questions[0].asked())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::{self, record};
    use crate::record::Record;

    fn step(network: &str, time_s: f64, proved: f64) -> TraceRecord {
        let mut step = planted::run().traces()[0].clone();
        (step.network, step.time_s, step.proved) = (network.to_owned(), time_s, Some(proved));
        step
    }

    /// The steps of another method.
    fn of_method(method: &str, steps: &[TraceRecord]) -> Vec<TraceRecord> {
        steps.iter().map(|step| TraceRecord { method: method.to_owned(), ..step.clone() }).collect()
    }

    fn places(chart: &Chart) -> Vec<(f64, f64)> {
        chart.series.iter().flat_map(|series| &series.points).map(|point| (point.x, point.y)).collect()
    }

    #[test]
    fn the_gap_is_measured_from_the_proved_optimum_of_the_relaxation() {
        let row = Record { relaxation_lower: Some(2.0), ..record("net", "lipsdp-neuron.full.clarabel") };
        let steps = vec![step("net", 0.5, 3.0), step("net", 1.0, 2.5)];
        let chart = SECONDS.draw(&Results::new(vec![row], steps, vec![], None)).expect("steps");
        assert_eq!(places(&chart), [(0.5, 0.5), (1.0, 0.25)]);
    }

    #[test]
    fn passes_are_those_on_one_vector_and_a_method_without_them_is_left_out() {
        let row = Record { relaxation_lower: Some(2.0), ..record("net", "lipsdp-neuron.lifted") };
        let passes = |products, step| TraceRecord { products, ..step };
        let mut steps = vec![passes(32, step("net", 0.5, 3.0)), passes(160, step("net", 1.0, 2.5))];
        steps.extend(of_method("lipsdp-neuron.interior", &[passes(0, step("net", 0.25, 2.25))]));
        let results = Results::new(vec![row], steps, vec![], None);
        let chart = PRODUCTS.draw(&results).expect("steps");
        assert_eq!(places(&chart), [(32.0, 0.5), (160.0, 0.25)]);
        assert_eq!(chart.notes, ["The method is lipsdp-neuron.lifted."]);
        assert_eq!(SECONDS.draw(&results).expect("steps").series.len(), 2);
    }

    #[test]
    fn without_a_lower_bound_the_best_proved_value_is_the_reference_and_its_own_gap_is_left_out() {
        let steps = vec![step("net", 0.5, 3.0), step("net", 1.0, 2.0)];
        let chart = SECONDS.draw(&Results::new(vec![], steps.clone(), vec![], None)).expect("steps");
        assert_eq!(places(&chart), [(0.5, 0.5)]);
        // That of another question is none.
        let other = TraceRecord { output: "0".to_owned(), proved: Some(1.0), ..steps[0].clone() };
        let chart = SECONDS.draw(&Results::new(vec![], [steps, vec![other]].concat(), vec![], None)).expect("steps");
        assert_eq!(places(&chart), [(0.5, 0.5)]);
    }

    #[test]
    fn an_estimate_has_no_line_and_is_no_reference() {
        let method = "lipsdp-neuron.lifted";
        let named = |row: Record| Record { method: "lipsdp-neuron.estimate".into(), ..row };
        let estimate = Record { relaxation_lower: Some(2.4), ..named(planted::estimate("net", 1.5)) };
        let bound = Record { relaxation_lower: Some(2.0), ..record("net", method) };
        let mut steps = vec![step("net", 0.5, 3.0), step("net", 1.0, 2.5)];
        steps.extend(of_method(&estimate.method, &steps));
        let chart = SECONDS.draw(&Results::new(vec![estimate, bound], steps, vec![], None)).expect("steps");
        assert_eq!(places(&chart), [(0.5, 0.5), (1.0, 0.25)]);
    }

    #[test]
    fn of_many_networks_twelve_are_shown_and_the_caption_says_so() {
        let steps =
            (0..30).flat_map(|k| [step(&format!("net {k:02}"), 0.5, 3.0), step(&format!("net {k:02}"), 1.0, 2.0)]);
        let chart = SECONDS.draw(&Results::new(vec![], steps.collect(), vec![], None)).expect("steps");
        assert_eq!(chart.series.len(), 12);
        assert!(chart.notes[0].starts_with("12 of 30 networks"), "{:?}", chart.notes);
    }

    #[test]
    fn several_methods_on_several_networks_have_a_panel_for_each_network() {
        let rows = ["a", "b"].map(|network| Record {
            relaxation_lower: Some(2.0),
            output: "0".to_owned(),
            ..record(network, "lipsdp-neuron.lifted")
        });
        let ours = ["a", "b"].map(|network| TraceRecord { output: "0".to_owned(), ..step(network, 0.5, 3.0) });
        let steps = [ours.to_vec(), of_method("lipsdp-neuron.interior", &ours)].concat();
        let chart = SECONDS.draw(&Results::new(rows.into(), steps, vec![], None)).expect("steps");
        let drawn: Vec<(&str, &str)> =
            chart.series.iter().map(|series| (series.panel.as_str(), series.name.as_str())).collect();
        let (lifted, interior) = ("lipsdp-neuron.lifted", "lipsdp-neuron.interior");
        assert_eq!(drawn, [("a", interior), ("a", lifted), ("b", interior), ("b", lifted)]);
        assert_eq!(chart.notes, ["The question is ℓ2→ℓ2, output 0."]);
    }

    #[test]
    fn one_method_under_several_limits_has_a_line_for_each() {
        let rows = [1e-3, 1e-6].map(|tolerance| Record {
            relaxation_lower: Some(2.0),
            tolerance,
            cell: format!("{tolerance:e}"),
            ..record("net", "lipsdp-neuron.lifted")
        });
        let steps = [("1e-3", 3.0), ("1e-6", 2.5)];
        let steps = steps.map(|(cell, proved)| TraceRecord { cell: cell.to_owned(), ..step("net", 0.5, proved) });
        let chart = SECONDS.draw(&Results::new(rows.into(), steps.into(), vec![], None)).expect("steps");
        let names: Vec<&str> = chart.series.iter().map(|series| series.name.as_str()).collect();
        assert_eq!(names, ["lipsdp-neuron.lifted (gap 1e-3)", "lipsdp-neuron.lifted (gap 1e-6)"]);
    }
}
