//! Performance profiles: Dolan and Moré, *Benchmarking optimization software with performance profiles*, Mathematical
//! Programming 91 (2002) 201–213.
//!
//! With t_qm the seconds of method m on question q, ∞ unless m solved q, the profile of m is the part of all questions
//! with t_qm ≤ τ · min over m' of t_qm'.

use std::collections::BTreeMap;

use super::Figure;
use crate::plot::{Axis, Chart, Point, Series, Shape};
use crate::record::Question;
use crate::results::{CellSummary, Results};

/// A question is solved by a bound this close, relatively, to the best one proved.
const CLOSE: f64 = 1e-4;

/// The part of questions solved within a multiple of the fastest method's time.
pub struct Profile;

impl Figure for Profile {
    fn name(&self) -> &'static str {
        "profile"
    }

    fn title(&self) -> &'static str {
        "Performance profile"
    }

    fn caption(&self) -> &'static str {
        "Part of all questions on which a method came within 1e-4, relatively, of the best bound proved here in at most τ \
         times the seconds of the fastest method that did (Dolan and Moré 2002). At τ = 1: how often it is the fastest; at \
         the right end: how many questions it solves at all. Medians over repetitions, τ on a logarithmic axis."
    }

    fn needs(&self) -> &'static str {
        "two methods with proved upper bounds and times"
    }

    fn draw(&self, results: &Results) -> Option<Chart> {
        let questions = results.upper_cells().filter(|cell| cell.to_upper.is_some());
        let mut questions: Vec<&Question> = questions.map(|cell| &cell.question).collect();
        questions.dedup();
        let factors = factors(results);
        if factors.len() < 2 || questions.is_empty() {
            return None;
        }
        let end = factors.values().flatten().copied().fold(1.0, f64::max) * 1.3;
        let mut chart = Chart::new(
            self.title(),
            Axis::logarithmic("τ: time ÷ time of the fastest"),
            Axis::linear(format!("part of {} questions solved", questions.len())),
        );
        for (method, factors) in &factors {
            let points = steps(factors, questions.len(), end);
            let tip = |(x, y): (f64, f64)| Point {
                x,
                y,
                tip: format!("{method}\n{} of {} solved", factors.len(), questions.len()),
            };
            let points = points.into_iter().map(tip).collect();
            let style = results.style(method);
            chart.series.push(Series::new(*method, style, Shape::Steps, points));
        }
        chart.references.extend([0.0, 1.0]);
        chart.drawable()
    }
}

/// For each method the sorted multiples of the fastest time, one for each question it solved.
fn factors(results: &Results) -> BTreeMap<&str, Vec<f64>> {
    let solved = |cell: &&CellSummary| cell.to_upper.is_some_and(|ratio| ratio <= 1.0 + CLOSE);
    let time = |cell: &CellSummary| cell.total_s.filter(|seconds| *seconds > 0.0);
    let mut fastest: BTreeMap<&Question, f64> = BTreeMap::new();
    let timed = || results.upper_cells().filter(solved).filter_map(|cell| Some((cell, time(cell)?)));
    for (cell, seconds) in timed() {
        let least = fastest.entry(&cell.question).or_insert(seconds);
        *least = least.min(seconds);
    }
    let mut factors: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for cell in results.upper_cells().filter(|cell| cell.to_upper.is_some()) {
        factors.entry(&cell.method).or_default();
    }
    for (cell, seconds) in timed() {
        factors.entry(&cell.method).or_default().push(seconds / fastest[&cell.question]);
    }
    for list in factors.values_mut() {
        list.sort_by(f64::total_cmp);
    }
    factors
}

/// The points at which the profile rises, from τ = 1 to the end of the axis.
fn steps(factors: &[f64], questions: usize, end: f64) -> Vec<(f64, f64)> {
    let part = |count: usize| count as f64 / questions as f64;
    let at_once = factors.iter().filter(|factor| **factor <= 1.0).count();
    let mut points = vec![(1.0, part(at_once))];
    points.extend(factors.iter().enumerate().skip(at_once).map(|(index, factor)| (*factor, part(index + 1))));
    points.push((end, part(factors.len())));
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted::record;
    use crate::record::Record;

    #[test]
    fn the_profile_is_the_one_computed_by_hand() {
        // Seconds of a: 1, 4, 2; of b: 2, 1, but its third bound is too loose to count.
        let rows = [
            ("p", "a", 1.0, 1.0),
            ("p", "b", 2.0, 1.0),
            ("q", "a", 4.0, 1.0),
            ("q", "b", 1.0, 1.00005),
            ("r", "a", 2.0, 1.0),
            ("r", "b", 0.1, 1.001),
        ];
        let rows = rows.map(|(network, method, total_s, ratio)| Record {
            total_s: Some(total_s),
            ratio_to_best_upper: Some(ratio),
            ..record(network, method)
        });
        let chart = Profile.draw(&Results::new(rows.into(), vec![], vec![], None)).expect("two methods");
        let curve = |index: usize| -> Vec<(f64, f64)> {
            chart.series[index].points.iter().map(|point| (point.x, point.y)).collect()
        };
        let third = 1.0 / 3.0;
        assert_eq!(curve(0), [(1.0, 2.0 * third), (4.0, 1.0), (5.2, 1.0)]);
        assert_eq!(curve(1), [(1.0, third), (2.0, 2.0 * third), (5.2, 2.0 * third)]);
    }

    #[test]
    fn one_method_alone_has_no_profile() {
        let row = Record { ratio_to_best_upper: Some(1.0), ..record("net", "m") };
        assert_eq!(Profile.draw(&Results::new(vec![row], vec![], vec![], None)), None);
    }
}
