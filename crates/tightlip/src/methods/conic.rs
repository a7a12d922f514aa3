//! The methods that solve a conic program through Clarabel: reduce, assemble, solve, lift the multipliers back.

use std::sync::mpsc;
use std::time::Instant;

use tightlip_certify::Segment;
use tightlip_clarabel::OwnDecomposition;
use tightlip_model::{Edge, IncrementSystem, Norm, Query, Reduction};
use tightlip_sdp::{Assembled, CliqueTree, ConicForm, Form, Merging, Pencil, Support, Tying, assemble_in};

use super::formulation::{Formulation, with_option};
use super::unit_bound::{of_unit_bound, scaling_for};
use super::{DIRECT_NORMS, constant};
use crate::method::{Decline, Method, Problem, ProgramSize, Proposal, TraceRow};
use crate::options::{MethodOption, Values};
use crate::{Context, Judge, Stage};

/// LipSDP or GeoLIP through Clarabel in one of its forms.
#[derive(Debug, Clone)]
pub(super) struct Conic {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) reference: &'static str,
    pub(super) formulation: Formulation,
    pub(super) tying: Tying,
    pub(super) options: &'static [MethodOption],
    pub(super) form: Form,
    pub(super) cones: Cones,
    /// What to take where a cone is too large.
    pub(super) instead: &'static str,
}

/// How the semidefinite constraint reaches Clarabel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cones {
    /// As one cone, which Clarabel leaves whole.
    Whole,
    /// As the cliques of our decomposition.
    Cliques(Merging),
    /// As one cone, which Clarabel decomposes.
    Own(OwnDecomposition),
}

/// Which form of the program, for every conic method.
pub(super) const FORM: MethodOption = MethodOption {
    name: "form",
    values: Values::OneOf(&["bordered", "published"]),
    about: "bordered eliminates the neurons that only outputs read; published eliminates the outputs, as the paper does, and is for their ℓ2 norm",
};
/// How our cliques are merged.
pub(super) const MERGE: MethodOption = MethodOption {
    name: "merge",
    values: Values::OneOf(&["cost", "none"]),
    about: "cost merges cliques where one cone is cheaper than two",
};
/// How Clarabel merges its cliques.
pub(super) const OWN_MERGE: MethodOption = MethodOption {
    name: "merge",
    values: Values::OneOf(&["clique_graph", "parent_child", "none"]),
    about: "Clarabel's chordal_decomposition_merge_method",
};
/// LipSDP.
pub(super) const LIPSDP: &str =
    "Fazlyab et al., Efficient and accurate estimation of Lipschitz constants for deep neural networks, NeurIPS 2019";
/// Its decomposition.
pub(super) const CHORDAL_LIPSDP: &str =
    "Xue et al., Chordal sparsity for Lipschitz constant estimation of deep neural networks, CDC 2022";

/// GeoLIP.
pub(super) const GEOLIP: &str =
    "Wang, Prakriya and Jha, A quantitative geometric approach to neural-network smoothness, NeurIPS 2022";

/// The largest cone that is tried: its dense block takes 4 GiB and grows with the fourth power of the order, the time with the
/// sixth.
const LARGEST_CONE: usize = 130;

impl Method for Conic {
    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        self.summary
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        DIRECT_NORMS
    }

    fn reference(&self) -> &'static str {
        self.reference
    }

    fn options(&self) -> &'static [MethodOption] {
        self.options
    }

    fn with_option(&self, option: &str, value: &str) -> Box<dyn Method> {
        let mut changed = self.clone();
        match (option, value) {
            ("form", "bordered") => changed.form = Form::Bordered,
            ("form", "published") => changed.form = Form::Full,
            ("merge", _) => changed.cones = self.cones.merged(value),
            _ => {
                (changed.formulation, changed.tying) = with_option((self.formulation, self.tying), option, value)
                    .expect("options and values are looked up before");
            }
        }
        Box::new(changed)
    }

    fn propose(&self, problem: &Problem<'_>, context: &Context, _: &mut Judge<'_>) -> Result<Proposal, Decline> {
        context.report(&Stage::Assembling);
        let start = Instant::now();
        let posed = self.formulation.pose(self.name, problem)?;
        let (system, query, form) = (posed.system(), &posed.query, posed.form(self.form));
        if form == Form::Full && query.output_norm != Norm::L2 {
            let (input, output) = (query.input_norm, query.output_norm);
            let supported = "ℓ2 outputs with form=published; form=bordered is for all".to_owned();
            return Err(Decline::Norms { method: self.name, input, output, supported });
        }
        if self.cones == Cones::Whole {
            // Reducing a wide network takes long; whether one cone fits is known from the sizes.
            check((self.name, self.instead), &[predicted_order(system, query, form)], context)?;
        }
        let Some(reduction) = Reduction::new(system, query, scaling_for(self.tying)) else {
            return Ok(constant::proposal(&problem.system, &problem.query));
        };
        let reduction = of_unit_bound(reduction, query, context);
        let pencil = Pencil::new(reduction.system(), query, self.tying);
        let support = Support::new(&pencil, form);
        let tree = self.cones.merging().map(|merging| CliqueTree::new(&support.pattern, merging));
        if let Some(tree) = &tree {
            check((self.name, self.instead), &tree.orders(), context)?;
        }
        // Clarabel's own decomposition begins with one cone; our cliques only say what to expect.
        let tree = tree.filter(|_| matches!(self.cones, Cones::Cliques(_)));
        let assembled = assemble_in(&pencil, form, &support, tree);
        let assemble_s = start.elapsed().as_secs_f64();
        if context.limits.stop_requested() {
            return Err(Decline::Stopped { method: self.name });
        }
        let scale = posed.factor * reduction.bound_scale();
        let (answer, trace) = self.solve(&assembled, scale, context)?;
        let multipliers = posed.lift(&reduction, &assembled.multipliers(&answer.solution));
        Ok(Proposal {
            claimed: scale * assembled.constant(answer.objective),
            candidates: vec![vec![Segment::new(problem.system.output_block(), multipliers)]],
            iterations: Some(u64::from(answer.iterations)),
            trace,
            options: self.options_text(form),
            program: Some(program_size(&assembled.program, assembled.order)),
            status: answer.status.name().to_owned(),
            interrupted: answer.status != tightlip_clarabel::Status::Solved,
            assemble_s,
            solve_s: answer.solve_s,
            ..Proposal::default()
        })
    }
}

impl Cones {
    /// How cliques are merged, ours or those that stand for Clarabel's.
    fn merging(self) -> Option<Merging> {
        match self {
            Self::Whole => None,
            Self::Cliques(merging) => Some(merging),
            Self::Own(_) => Some(Merging::ByCost),
        }
    }

    /// The decomposition that Clarabel makes.
    fn own(self) -> OwnDecomposition {
        match self {
            Self::Whole | Self::Cliques(_) => OwnDecomposition::Off,
            Self::Own(own) => own,
        }
    }

    /// With another merging of cliques.
    fn merged(self, value: &str) -> Self {
        match (self, value) {
            (Self::Whole, _) => self,
            (Self::Cliques(_), "none") => Self::Cliques(Merging::Off),
            (Self::Cliques(_), _) => Self::Cliques(Merging::ByCost),
            (Self::Own(_), "none") => Self::Own(OwnDecomposition::Unmerged),
            (Self::Own(_), "parent_child") => Self::Own(OwnDecomposition::ParentChild),
            (Self::Own(_), _) => Self::Own(OwnDecomposition::CliqueGraph),
        }
    }
}

impl Conic {
    /// Every switch that changes the answer.
    fn options_text(&self, form: Form) -> String {
        let form = match form {
            Form::Full => "published",
            Form::Bordered => "bordered",
        };
        let cliques = match self.cones {
            Cones::Whole | Cones::Own(_) => "",
            Cones::Cliques(Merging::Off) => ", cliques=not merged",
            Cones::Cliques(Merging::ByCost) => ", cliques=merged by cost",
        };
        format!("form={form}{cliques}, {}", tightlip_clarabel::settings_text(self.cones.own()))
    }

    /// Runs Clarabel and writes its course down.
    fn solve(
        &self,
        assembled: &Assembled,
        scale: f64,
        context: &Context,
    ) -> Result<(tightlip_clarabel::Answer, Vec<TraceRow>), Decline> {
        let (watcher, kind, began) = (context.clone(), assembled.objective, Instant::now());
        // The solver keeps its observer to itself.
        let (written, steps) = mpsc::channel();
        let observe = Box::new(move |progress: tightlip_clarabel::Progress| {
            let claimed = scale * kind.constant(progress.objective);
            // Nobody waits for the steps of a solver that broke down.
            let _ = written.send(TraceRow::of_claim(began, progress.iteration, claimed));
            let (iteration, gap) = (u64::from(progress.iteration), Some(progress.relative_gap));
            watcher.report(&Stage::Solving { iteration, claimed, gap });
        });
        let answer = tightlip_clarabel::solve(&assembled.program, self.cones.own(), &context.limits, observe)
            .map_err(|rejected| Decline::Solver { method: self.name, reason: rejected.to_string() })?;
        Ok((answer, steps.try_iter().collect()))
    }
}

/// Declines cones of these orders if Clarabel could not hold them, or would not end.
pub(super) fn check(
    (method, instead): (&'static str, &'static str),
    orders: &[usize],
    context: &Context,
) -> Result<(), Decline> {
    let largest = orders.iter().copied().max().unwrap_or(0);
    let needed = tightlip_clarabel::predicted_bytes_of(orders);
    if largest > LARGEST_CONE {
        return Err(Decline::Order { method, order: largest, most: LARGEST_CONE, needed_mib: needed >> 20, instead });
    }
    context.check_memory(method, needed, || match orders {
        [order] => format!("a semidefinite cone of order {order}"),
        _ => format!("{} semidefinite cones of orders up to {largest}", orders.len()),
    })
}

/// What the program looks like.
pub(crate) fn program_size(program: &ConicForm, order: usize) -> ProgramSize {
    let orders: Vec<usize> = program.cones.iter().filter_map(|cone| cone.semidefinite_order()).collect();
    ProgramSize {
        order,
        cones: orders.len(),
        largest_cone: orders.into_iter().max().unwrap_or(0),
        variables: program.variables(),
        rows: program.rows(),
        nonzeros: program.constraints.nnz(),
    }
}

/// The order of the semidefinite constraint after the reduction: live signals, input and output shrunk by QR; the neurons
/// of blocks that only outputs read, or the outputs, eliminated.
fn predicted_order(system: &IncrementSystem, query: &Query, form: Form) -> usize {
    let last = system.output_block();
    let live: Vec<usize> = system.live().iter().map(|block| block.iter().filter(|&&l| l).count()).collect();
    let total = |from: &dyn Fn(&Edge) -> Option<usize>| -> usize { system.edges().iter().filter_map(from).sum() };
    let (mut input, mut output) = (live[0], live[last]);
    if query.input_norm == Norm::L2 {
        input = input.min(total(&|edge| (edge.from == 0).then_some(live[edge.to])));
    }
    if query.output_norm == Norm::L2 {
        let into = total(&|edge| (edge.to == last).then_some(if edge.from == 0 { input } else { live[edge.from] }));
        output = output.min(into);
    }
    let read = |k: usize| system.edges().iter().any(|edge| edge.from == k && edge.to < last);
    let hidden = |stays: &dyn Fn(usize) -> bool| (1..last).filter(|&k| stays(k)).map(|k| live[k]).sum::<usize>();
    match form {
        Form::Full => input + hidden(&|_| true),
        Form::Bordered => input + output + hidden(&read),
    }
}
