//! Programs for other solvers, and their solutions back: an exported program carries no bound, an imported solution is a
//! proposal like any other.

use tightlip_certify::Segment;
use tightlip_model::{Norm, Reduction};
use tightlip_sdp::{
    Assembled, CliqueTree, Cone, Decomposition, Form, Origin, Pencil, Sidecar, Solver, SolverOutput, Support, Tying,
    assemble_in,
};

use crate::method::{Decline, Method, Problem, ProgramSize, Proposal, norms_text};
use crate::methods::{DIRECT_NORMS, of_unit_bound, program_size, scaling_for};
use crate::{Context, Judge};

/// What declines carry as the name of the method.
const EXPORT: &str = "export";
/// Fewer digits than this in a solution cost more than rounding does.
const FEWEST_DIGITS: usize = 10;

/// A program with everything that brings its solution back.
#[derive(Debug)]
pub struct Exchange {
    assembled: Assembled,
    sidecar: Sidecar,
    reduction: Reduction,
    /// Where the segment of the bound ends.
    end_block: usize,
}

/// How a program is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Writing {
    /// Which neurons share a multiplier.
    pub tying: Tying,
    /// What is eliminated.
    pub form: Form,
    /// One cone, or one for each clique.
    pub decomposition: Decomposition,
}

/// A sidecar or a solution that does not fit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The question is not one for a single program, or the program would not fit.
    #[error(transparent)]
    Declined(#[from] Decline),
    /// The sidecar or the solution is wrong.
    #[error(transparent)]
    File(#[from] tightlip_sdp::Error),
    /// The factor of the bound is not one of this network.
    #[error("the sidecar's factor of the bound is {found:?}, which cannot be of this network and question")]
    Scale {
        /// What the sidecar says.
        found: f64,
    },
}

impl Exchange {
    /// The program of a question.
    ///
    /// # Errors
    /// [`Decline`] if the question is one in cases, the form is not for its norms, or the program would not fit.
    pub fn new(problem: &Problem<'_>, writing: Writing, context: &Context) -> Result<Self, Decline> {
        let reduction = reduced(problem, writing)?;
        let reduction = of_unit_bound(reduction, &problem.query, context);
        let scale = reduction.bound_scale();
        Self::of_reduction(problem, writing, (reduction, scale), context)
    }

    /// The program that a sidecar describes, built again.
    ///
    /// # Errors
    /// [`ExchangeError`] if the sidecar is of another network, or not of this version's programs.
    pub fn of_sidecar(problem: &Problem<'_>, sidecar: &Sidecar, context: &Context) -> Result<Self, ExchangeError> {
        /// The factor is a product of a few numbers, each rounded once.
        const ROUNDING: f64 = 1e-9;
        let Origin { tying, form, decomposition, bound_scale, .. } = *sidecar.origin();
        let reduction = reduced(problem, Writing { tying, form, decomposition })?;
        let factor = bound_scale / reduction.bound_scale();
        if !(factor.is_normal() && factor > 0.0) {
            return Err(ExchangeError::Scale { found: bound_scale });
        }
        let reduction = reduction.balanced(factor);
        if (reduction.bound_scale() / bound_scale - 1.0).abs() > ROUNDING {
            return Err(ExchangeError::Scale { found: bound_scale });
        }
        let rebuilt =
            Self::of_reduction(problem, Writing { tying, form, decomposition }, (reduction, bound_scale), context)?;
        sidecar.check_against(&rebuilt.sidecar)?;
        Ok(rebuilt)
    }

    fn of_reduction(
        problem: &Problem<'_>,
        Writing { tying, form, decomposition }: Writing,
        (reduction, bound_scale): (Reduction, f64),
        context: &Context,
    ) -> Result<Self, Decline> {
        let pencil = Pencil::new(reduction.system(), &problem.query, tying);
        let support = Support::new(&pencil, form);
        let tree = decomposition.tree(&support);
        check_memory(Support::entries(&pencil, form), &support, tree.as_ref(), context)?;
        let assembled = assemble_in(&pencil, form, &support, tree);
        let network_sha256 = problem.network.sha256();
        let origin = Origin { network_sha256, query: problem.query, tying, form, decomposition, bound_scale };
        let sidecar = Sidecar::new(origin, &assembled);
        Ok(Self { assembled, sidecar, reduction, end_block: problem.system.output_block() })
    }

    /// The program.
    pub fn program(&self) -> &Assembled {
        &self.assembled
    }

    /// Its size.
    pub fn size(&self) -> ProgramSize {
        program_size(&self.assembled.program, self.assembled.order)
    }

    /// What goes into the file beside it.
    pub fn sidecar(&self) -> &Sidecar {
        &self.sidecar
    }

    /// The proposal in the text of a solver's output file.
    ///
    /// # Errors
    /// If it is not a solution of this program.
    pub fn solution(&self, text: &str) -> Result<Imported, ExchangeError> {
        let program = &self.assembled.program;
        let output = SolverOutput::read(text, program.variables())?;
        let objective: f64 = program.objective.iter().zip(&output.values).map(|(cost, value)| cost * value).sum();
        let multipliers = self.reduction.lift(&self.assembled.multipliers(&output.values));
        let name = match output.solver {
            Solver::Csdp => "imported.csdp",
            Solver::Sdpa => "imported.sdpa",
        };
        let few = if output.digits < FEWEST_DIGITS {
            format!("; its variables have {} digits only, which loosens the bound", output.digits)
        } else {
            String::new()
        };
        let proposal = Proposal {
            claimed: self.reduction.bound_scale() * self.assembled.constant(objective),
            candidates: vec![vec![Segment::new(self.end_block, multipliers)]],
            status: format!("imported, {}{few}", output.status),
            program: Some(self.size()),
            ..Proposal::default()
        };
        Ok(Imported { name, proposal })
    }
}

/// The reduction that exported programs are written for.
fn reduced(problem: &Problem<'_>, writing: Writing) -> Result<Reduction, Decline> {
    let (input, output) = (problem.query.input_norm, problem.query.output_norm);
    if !DIRECT_NORMS.contains(&(input, output)) {
        let supported = format!("{}: other norms take a program for each coordinate", norms_text(DIRECT_NORMS));
        return Err(Decline::Norms { method: EXPORT, input, output, supported });
    }
    if writing.form == Form::Full && output != Norm::L2 {
        let supported = "ℓ2 outputs in the forms full and chordal; take a bordered one".to_owned();
        return Err(Decline::Norms { method: EXPORT, input, output, supported });
    }
    Reduction::new(&problem.system, &problem.query, scaling_for(writing.tying)).ok_or_else(|| Decline::Solver {
        method: EXPORT,
        reason: "no output depends on any input: the constant is 0, there is no program".to_owned(),
    })
}

/// Declines a program whose coefficients would not fit.
fn check_memory(entries: u64, support: &Support, tree: Option<&CliqueTree>, context: &Context) -> Result<(), Decline> {
    /// A triplet, sorted, compressed, and as text.
    const BYTES: u64 = 120;
    let orders = tree.map_or_else(|| vec![support.coordinates.len()], CliqueTree::orders);
    let rows = |order: usize| Cone::PositiveSemidefinite(order).rows() as u64;
    let offsets: u64 = orders.into_iter().map(rows).sum();
    // An offset is a number, and every entry of a separator stands in two cones.
    let entries = entries + offsets / 8 + 2 * tree.map_or(0, CliqueTree::separator_entries) as u64;
    context.check_memory(EXPORT, entries.saturating_mul(BYTES), || format!("{entries} coefficients"))
}

/// A solution of another solver: a method that proposes it.
#[derive(Debug, Clone)]
pub struct Imported {
    name: &'static str,
    proposal: Proposal,
}

impl Method for Imported {
    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        "the solution of an exported program"
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        DIRECT_NORMS
    }

    fn reference(&self) -> &'static str {
        "Borchers, CSDP, a C library for semidefinite programming, 1999; Yamashita et al., SDPA 7, 2012"
    }

    fn propose(&self, _: &Problem<'_>, _: &Context, _: &mut Judge<'_>) -> Result<Proposal, Decline> {
        Ok(self.proposal.clone())
    }
}
