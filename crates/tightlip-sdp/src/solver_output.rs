//! What CSDP and SDPA write when they have solved a `.dat-s` file.
//!
//! `csdp problem.dat-s problem.sol` writes the variables `x` on the first line (CSDP calls them the dual vector `y`),
//! then one line `matrix block row column value` for each entry of the slack (1) and of the dual matrix (2). The file
//! says neither how the solve ended nor the objective: both are on CSDP's standard output only.
//!
//! `sdpa -ds problem.dat-s -o problem.out` writes a report with `phase.value = pdOPT`, `objValPrimal = …` and
//! `xVec = {…}`. It prints the variables with **four digits** unless its parameter file asks for more:
//! [`SDPA_PARAMETERS`] is one that does. [`SolverOutput::digits`] tells what was printed.
//! Whatever tolerance is asked for, SDPA 7.3 stops as soon as rounding puts its primal below its dual value: the status
//! is then `pdFEAS` with a gap of about 1e-6, CSDP goes on to 1e-9. Neither status is a proof.
//!
//! Both solve `minimise Σ c_i x_i` with `Σ x_i F_i − F_0 ⪰ 0`, so the values are the variables with their sign.

use crate::error::{Error, shortened};

/// A parameter file for SDPA (`-p param.sdpa`): its defaults, but a gap of 1e-9, a starting point large enough for
/// unscaled networks, and variables printed in full. The matrices, which nobody reads, are not printed.
pub const SDPA_PARAMETERS: &str = "\
200     unsigned int maxIteration;
1.0E-9  double 0.0 < epsilonStar;
1.0E3   double 0.0 < lambdaStar;
2.0     double 1.0 < omegaStar;
-1.0E5  double lowerBound;
1.0E5   double upperBound;
0.1     double 0.0 <= betaStar <  1.0;
0.2     double 0.0 <= betaBar  <  1.0, betaStar <= betaBar;
0.9     double 0.0 < gammaStar  <  1.0;
1.0E-9  double 0.0 < epsilonDash;
%+24.17e     char*  xPrint
NOPRINT     char*  XPrint
NOPRINT     char*  YPrint
%+24.17e     char*  infPrint
";

/// A parameter file for CSDP (`param.csdp` in its working folder): its defaults, but tolerances of 1e-9.
pub const CSDP_PARAMETERS: &str = "\
axtol=1.0e-9
atytol=1.0e-9
objtol=1.0e-9
pinftol=1.0e8
dinftol=1.0e8
maxiter=200
minstepfrac=0.90
maxstepfrac=0.97
minstepp=1.0e-10
minstepd=1.0e-10
usexzgap=1
tweakgap=0
affine=0
printlevel=1
perturbobj=0
fastmode=0
";

/// A solver whose output is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Solver {
    /// CSDP 6, its solution file.
    Csdp,
    /// SDPA 7, its output file.
    Sdpa,
}

/// A solution, as claimed.
#[derive(Debug, Clone, PartialEq)]
pub struct SolverOutput {
    /// Who wrote it.
    pub solver: Solver,
    /// The variables of the program.
    pub values: Vec<f64>,
    /// `cᵀx` as the solver reports it; CSDP's file does not.
    pub objective: Option<f64>,
    /// How the solve ended, in the solver's words.
    pub status: String,
    /// Significant digits of the value that was printed with the most.
    pub digits: usize,
}

impl SolverOutput {
    /// Reads the file of either solver, recognised by its content, for a program of that many variables.
    ///
    /// # Errors
    /// If it is neither, is cut off, or does not hold one finite value for each variable.
    pub fn read(text: &str, variables: usize) -> Result<Self, Error> {
        match recognised(text, "the solution file of CSDP or the output file of SDPA")? {
            Solver::Csdp => csdp(text, variables),
            Solver::Sdpa => sdpa(text, variables),
        }
    }

    /// Reads the file of one solver.
    ///
    /// # Errors
    /// As [`SolverOutput::read`], and [`Error::Kind`] if the other solver wrote it.
    pub fn read_from(solver: Solver, text: &str, variables: usize) -> Result<Self, Error> {
        let wanted = match solver {
            Solver::Csdp => "the solution file of CSDP",
            Solver::Sdpa => "the output file of SDPA",
        };
        match (recognised(text, wanted)?, solver) {
            (Solver::Csdp, Solver::Csdp) => csdp(text, variables),
            (Solver::Sdpa, Solver::Sdpa) => sdpa(text, variables),
            (Solver::Csdp, Solver::Sdpa) => Err(Error::Kind { found: "the solution file of CSDP", wanted }),
            (Solver::Sdpa, Solver::Csdp) => Err(Error::Kind { found: "the output file of SDPA", wanted }),
        }
    }
}

/// Who wrote a file.
fn recognised(text: &str, wanted: &'static str) -> Result<Solver, Error> {
    let Some(first) = text.lines().find(|line| !line.trim().is_empty()) else {
        return Err(Error::Empty { wanted });
    };
    let begins = |word: &str| first.trim_start().starts_with(word);
    if begins("SDPA") || text.lines().any(|line| line.starts_with("phase.value") || line.starts_with("xVec")) {
        return Ok(Solver::Sdpa);
    }
    if begins("CSDP") {
        return Err(Error::Kind { found: "what CSDP prints on the screen", wanted });
    }
    if begins("\"") || begins("*") {
        return Err(Error::Kind { found: "a problem in SDPA's sparse text, not a solution", wanted });
    }
    // A NaN is a number here: it is refused later, with its place.
    if first.split_whitespace().all(|field| number(field).is_some()) {
        return Ok(Solver::Csdp);
    }
    Err(Error::Syntax { line: 1, found: shortened(first), wanted: wanted.to_owned() })
}

/// The solution file of CSDP.
fn csdp(text: &str, variables: usize) -> Result<SolverOutput, Error> {
    let mut lines = text.lines().enumerate().skip_while(|(_, line)| line.trim().is_empty());
    let (_, first) = lines.next().expect("the file was recognised by its first line");
    let (values, digits) = vector(first.split_whitespace(), variables)?;
    let mut matrices = 0;
    for (at, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let counts = fields.len() == 5 && fields[..4].iter().all(|f| f.parse::<usize>().is_ok_and(|n| n > 0));
        if !counts || number(fields[4]).is_none() {
            let wanted = "`matrix block row column value` of CSDP's matrices".to_owned();
            return Err(Error::Syntax { line: at + 1, found: shortened(line), wanted });
        }
        matrices += 1;
    }
    if matrices == 0 || !text.ends_with('\n') {
        let place = if matrices == 0 { "after the variables" } else { "in its last line" };
        return Err(Error::Truncated { place: place.to_owned(), wanted: "the matrices of CSDP's solution" });
    }
    let status = "not stated in CSDP's solution file".to_owned();
    Ok(SolverOutput { solver: Solver::Csdp, values, objective: None, status, digits })
}

/// The output file of SDPA.
fn sdpa(text: &str, variables: usize) -> Result<SolverOutput, Error> {
    let after = |key: &str| {
        let lines = text.lines().filter_map(|line| line.trim_start().strip_prefix(key));
        lines.filter_map(|rest| rest.trim_start().strip_prefix('=')).map(str::trim).next_back()
    };
    let status = after("phase.value").ok_or_else(|| Error::Truncated {
        place: "before the line `phase.value`".to_owned(),
        wanted: "the report of a finished solve",
    })?;
    if after("xPrint") == Some("NOPRINT") {
        return Err(Error::Kind {
            found: "an output of SDPA without the variables (xPrint is NOPRINT)",
            wanted: "a parameter file with an xPrint like %+24.17e",
        });
    }
    // Remarks of the problem are repeated in the file, but never at the beginning of a line.
    let start = text
        .rfind("\nxVec")
        .ok_or_else(|| Error::Truncated { place: "before `xVec`".to_owned(), wanted: "the variables" })?;
    let list = text[start..].split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    let (list, _) = list.ok_or_else(|| Error::Truncated {
        place: "inside `xVec`".to_owned(),
        wanted: "the bracket that ends the variables",
    })?;
    let separates = |c: char| c.is_whitespace() || c == ',';
    let (values, digits) = vector(list.split(separates).filter(|field| !field.is_empty()), variables)?;
    let objective = after("objValPrimal").and_then(number).filter(|value| value.is_finite());
    Ok(SolverOutput { solver: Solver::Sdpa, values, objective, status: status.to_owned(), digits })
}

/// The variables, and the most digits that one of them has.
fn vector<'a>(fields: impl Iterator<Item = &'a str>, variables: usize) -> Result<(Vec<f64>, usize), Error> {
    let mut values = Vec::new();
    let mut most = 0;
    for field in fields {
        let wrong = || Error::SolutionValue { index: values.len() + 1, found: shortened(field) };
        let value = number(field).filter(|value| value.is_finite()).ok_or_else(wrong)?;
        values.push(value);
        most = most.max(digits(field));
    }
    if values.len() != variables {
        return Err(Error::SolutionLength { found: values.len(), wanted: variables });
    }
    Ok((values, most))
}

/// A number as C or Fortran prints it.
fn number(field: &str) -> Option<f64> {
    // Fortran writes the exponent of a double with a D.
    field.replace(['D', 'd'], "e").parse().ok()
}

/// Significant digits of a number as printed.
fn digits(field: &str) -> usize {
    let mantissa = field.split(['e', 'E', 'd', 'D']).next().unwrap_or("");
    let digits = mantissa.chars().filter(char::is_ascii_digit);
    digits.skip_while(|&digit| digit == '0').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSDP: &str = "1.581138829636406617e+00 -6.324555265970207563e-01 \n1 1 1 1 1.58e+00 \n2 1 1 2 -1e-9 \n";
    const SDPA: &str = "SDPA start at [Sat Nov 21 12:23:26 2026]\ndata   is t.dat-s  : sparse\n\"xVec = {7}\n\
                        phase.value  = pdOPT     \n   Iteration = 12\nobjValPrimal = +3.1622778023588913e+00\n\
                        objValDual   = +3.1622773982470567e+00\nxPrint       = %+8.3e \n\nxVec = \n\
                        {+1.581e+00,-6.325e-01}\nxMat = \n{\n{ {+1.0e+00 }   }\n}\n";

    #[test]
    fn both_files_are_recognised_and_read() {
        let csdp = SolverOutput::read(CSDP, 2).expect("valid");
        // CSDP prints 19 digits, more than an f64 has: compare what was read with the nearest one.
        assert_eq!(
            csdp.values,
            ["1.581138829636406617e+00", "-6.324555265970207563e-01"].map(|x| x.parse::<f64>().expect("a number"))
        );
        assert_eq!((csdp.solver, csdp.objective, csdp.digits), (Solver::Csdp, None, 19));
        let sdpa = SolverOutput::read(SDPA, 2).expect("valid");
        assert_eq!(sdpa.values, [1.581, -0.6325]);
        assert_eq!((sdpa.solver, sdpa.status.as_str(), sdpa.digits), (Solver::Sdpa, "pdOPT", 4));
        assert_eq!(sdpa.objective, Some(3.162_277_802_358_891_3));
        assert_eq!(SolverOutput::read_from(Solver::Csdp, CSDP, 2).expect("valid"), csdp);
        assert_eq!(SolverOutput::read_from(Solver::Sdpa, SDPA, 2).expect("valid"), sdpa);
    }

    #[test]
    fn variables_on_several_lines_and_fortran_numbers_are_read() {
        let text = SDPA.replace("\n{+1.581e+00,-6.325e-01}", "{ +1.50000000D+00,\n  -2.5d-01 ,\n 3 }");
        let output = SolverOutput::read(&text, 3).expect("valid");
        assert_eq!(output.values, [1.5, -0.25, 3.0]);
        assert_eq!(output.digits, 9);
    }

    #[test]
    fn hostile_files_are_refused_with_their_place() {
        let cut = |text: &str, at: &str| text[..text.find(at).expect("a place") + at.len()].to_owned();
        let cases = [
            (String::new(), "the file is empty"),
            (" \n\n".to_owned(), "the file is empty"),
            (CSDP.replace("1.581138829636406617e+00", "nan"), "value 1 of the solution is `nan`"),
            (CSDP.replace("-6.324555265970207563e-01", "-inf"), "value 2 of the solution is `-inf`"),
            (CSDP.replacen(' ', " 7 ", 1), "the solution has 3 values, the program 2 variables"),
            (cut(CSDP, "-6.32"), "cut off after the variables"),
            (cut(CSDP, "e-01 \n"), "cut off after the variables"),
            (cut(CSDP, "2 1 1"), "line 3 has `2 1 1`"),
            (cut(CSDP, "2 1 1 2 -1"), "cut off in its last line"),
            (CSDP.replace("1 1 1 1 1.58", "1 1 x 1 1.58"), "line 2 has `1 1 x 1 1.58e+00`"),
            (cut(SDPA, "sparse"), "before the line `phase.value`"),
            (cut(SDPA, "xPrint"), "before `xVec`"),
            (cut(SDPA, "+1.581e+00,-6."), "inside `xVec`"),
            (SDPA.replace("-6.325e-01", "-nan"), "value 2 of the solution is `-nan`"),
            (SDPA.replace(",-6.325e-01", ""), "the solution has 1 values, the program 2 variables"),
            (SDPA.replace("%+8.3e", "NOPRINT"), "xPrint is NOPRINT"),
            ("CSDP 6.2.0\nIter: 0\n".to_owned(), "what CSDP prints on the screen"),
            ("\"tightlip\n2\n1\n".to_owned(), "a problem in SDPA's sparse text"),
            ("{\"a\": 1}".to_owned(), "line 1 has `{\"a\": 1}`"),
        ];
        for (text, wanted) in cases {
            let message = SolverOutput::read(&text, 2).expect_err(wanted).to_string();
            assert!(message.contains(wanted), "{message}, want {wanted}");
        }
        for (solver, text) in [(Solver::Csdp, SDPA), (Solver::Sdpa, CSDP)] {
            let message = SolverOutput::read_from(solver, text, 2).expect_err("the other file").to_string();
            assert!(message.contains("file of"), "{message}");
        }
    }
}
