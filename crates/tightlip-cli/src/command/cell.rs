//! `tightlip cell`: one cell of a comparison, in a process of its own. Not for people.

use std::io::{self, Read};

use tightlip_bench::{Answer, Task};

use super::printed;
use crate::arguments::CellArguments;
use crate::failure::CommandFailure;
use crate::{interrupt, machine};

/// Runs the command.
pub fn run(arguments: &CellArguments) -> Result<(), CommandFailure> {
    let mut text = String::new();
    io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| CommandFailure::bad_input(format!("the task cannot be read: {error}"), None))?;
    let task: Task = serde_json::from_str(&text).map_err(|error| {
        CommandFailure::bad_input(
            format!("this is no task: {error}"),
            Some("`tightlip bench` and `tightlip compare` call this command; people call those".to_owned()),
        )
    })?;
    machine::end_with_parent();
    machine::limit_memory(task.memory_mib);
    if let Some(cores) = &arguments.pin {
        machine::pin(cores, task.threads as usize);
    }
    faer::set_global_parallelism(faer::Par::Seq);
    let mut answer = Answer::of_task(&task, &interrupt::flag());
    answer.peak_rss_mib = machine::peak_rss_mib();
    printed(serde_json::to_writer(io::stdout().lock(), &answer).map_err(Into::into))
}
