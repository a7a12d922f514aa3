//! `tightlip verify MODEL CERTIFICATE`: proves the bound again from scratch.

use std::path::Path;

use serde::Serialize;
use tightlip_certify::{Certificate, Level};
use tightlip_model::{Query, file};

use super::{limits, printed};
use crate::arguments::VerifyArguments;
use crate::failure::CommandFailure;
use crate::{summary, table, text_file};

/// What was verified.
#[derive(Debug, Serialize)]
struct Verification {
    schema_version: u32,
    verified: bool,
    level: Level,
    /// The bound the certificate claims.
    bound: f64,
    /// The bound its multipliers prove, at most the claimed one.
    proved: f64,
    query: Query,
    method: String,
    network_sha256: String,
}

/// Runs the command.
pub fn run(arguments: &VerifyArguments) -> Result<(), CommandFailure> {
    let limits = limits(&arguments.resources, 0);
    let network = file::read(&arguments.model.model, &arguments.model.read_options())?;
    let certificate = read_certificate(&arguments.certificate)?;
    let proved = certificate.verify(&network, &limits).map_err(|refusal| {
        CommandFailure::refused(
            format!("refused: {}: {refusal}", arguments.certificate.display()),
            Some("nothing is known of the bound in this file; compute it anew with `tightlip bound`".to_owned()),
        )
    })?;
    let verified = Verification {
        schema_version: 1,
        verified: true,
        level: proved.level(),
        bound: certificate.bound,
        proved: proved.value(),
        query: certificate.query,
        method: certificate.method,
        network_sha256: certificate.network_sha256,
    };
    printed(if arguments.json { table::print_json(&verified) } else { print(&verified) })
}

/// Reads a certificate file.
fn read_certificate(path: &Path) -> Result<Certificate, CommandFailure> {
    let text = text_file::read(path, "give the file that `tightlip bound --certificate FILE` wrote")?;
    Certificate::from_json(&text)
        .map_err(|refusal| CommandFailure::refused(format!("refused: {}: {refusal}", path.display()), None))
}

/// The human form.
fn print(verified: &Verification) -> std::io::Result<()> {
    table::print_lines(&[
        ("verified", format!("Lipschitz constant ≤ {:?}  ({})", verified.bound, verified.level)),
        ("proved now", format!("{:?}", verified.proved)),
        ("question", summary::question(&verified.query, &format!("output {}", verified.query.output))),
        ("network", format!("SHA-256 {}", verified.network_sha256)),
        // The name comes from the file: control characters must not reach the terminal.
        ("found by", verified.method.escape_debug().to_string()),
    ])
}
