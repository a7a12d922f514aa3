//! The courses of iterative methods as figures show them: how far the proved bound is above the optimum of its relaxation.
//!
//! gap = proved / reference − 1. The reference is the best proved lower bound of the relaxation's optimum among the rows
//! of the question and the method's formulation, so that the gap is itself proved; where there is none, the best bound
//! proved at all, whose own gap of 0 says nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::formulation::formulation;
use crate::record::{Question, Record, TraceRecord};
use crate::results::Results;

/// Gaps below this are rounding.
pub(super) const LEAST_GAP: f64 = 1e-12;

/// The steps of one method on one question.
pub(super) struct Course<'r> {
    /// What it is about.
    pub question: Question,
    /// The method, with the limits that tell it from others.
    pub method: &'r str,
    /// Its steps, in order.
    pub steps: Vec<&'r TraceRecord>,
    /// What gaps are measured from.
    reference: Option<f64>,
}

impl Course<'_> {
    /// How far what was proved by then is above the reference.
    pub fn gap(&self, step: &TraceRecord) -> Option<f64> {
        let reference = self.reference.filter(|reference| *reference > 0.0)?;
        Some(step.proved? / reference - 1.0)
    }

    /// The smallest gap proved within so many seconds.
    pub fn gap_within(&self, seconds: f64) -> Option<f64> {
        let in_time = self.steps.iter().filter(|step| step.time_s <= seconds);
        in_time.filter_map(|step| self.gap(step)).reduce(f64::min)
    }
}

/// The steps of every method on every question.
type Steps<'r> = BTreeMap<(Question, &'r str), Vec<&'r TraceRecord>>;

/// The courses of the first repetition, by question and method; an estimate converges to no bound.
pub(super) fn courses<'r>(results: &'r Results) -> Vec<Course<'r>> {
    let estimates: BTreeSet<&str> =
        results.records().iter().filter(|row| row.is_estimate()).map(|row| row.method.as_str()).collect();
    let bounds = |step: &&TraceRecord| !estimates.contains(step.method.as_str());
    let mut all: Steps<'r> = BTreeMap::new();
    for step in results.traces().iter().filter(|step| step.repetition == 1).filter(bounds) {
        let question = Question {
            network: step.network.clone(),
            input_norm: step.input_norm.clone(),
            output_norm: step.output_norm.clone(),
            output: step.output.clone(),
        };
        all.entry((question, results.name_of(step))).or_default().push(step);
    }
    let course = |((question, method), steps): (&(Question, &'r str), &Vec<&'r TraceRecord>)| Course {
        question: question.clone(),
        method,
        steps: steps.clone(),
        reference: optimum(results, question, method).or_else(|| best(results, &all, question, method)),
    };
    all.iter().map(course).collect()
}

/// The best proved lower bound of the optimum of a method's relaxation.
pub(super) fn optimum(results: &Results, question: &Question, method: &str) -> Option<f64> {
    rows(results, question, method).filter_map(|row| row.relaxation_lower).reduce(f64::max)
}

/// The best bound proved by any method of the same formulation.
fn best(results: &Results, all: &Steps, question: &Question, method: &str) -> Option<f64> {
    let alike = |(other, name): &(Question, &str)| other == question && formulation(name) == formulation(method);
    let steps = all.iter().filter(|(key, _)| alike(key)).flat_map(|(_, steps)| steps);
    let proved = steps.filter_map(|step| step.proved);
    rows(results, question, method).filter_map(Record::upper).chain(proved).reduce(f64::min)
}

/// The rows of a question and a method's formulation.
fn rows<'r>(results: &'r Results, question: &Question, method: &str) -> impl Iterator<Item = &'r Record> {
    let same = move |row: &&Record| {
        !row.is_estimate() && row.formulation() == formulation(method) && row.question() == *question
    };
    results.records().iter().filter(same)
}
