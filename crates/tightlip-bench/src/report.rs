//! The report of a run: `summary.md` for readers of the repository, `report.html` for readers without it, figures for both.
//!
//! Everything is derived from the rows; writing the report again gives the same files, each written beside its place and
//! renamed, so that a reader never sees half of one.

use std::fs;
use std::path::{Path, PathBuf};

use crate::figure::FIGURES;
use crate::plot::Chart;
use crate::results::Results;
use crate::{html, summary};

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The folder for the figures cannot be made.
    #[error("{}: cannot be made: {source}; want a folder that can be written to", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write the report: {0}; free space or choose another folder, the rows are kept")]
    File(#[from] tightlip_model::Error),
    /// The plotting library refused a picture.
    #[error("figure {name}: cannot be drawn as PNG: {message}; please report it with records.csv")]
    Picture {
        /// The figure.
        name: &'static str,
        /// The words of the library.
        message: String,
    },
}

/// The files of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFiles {
    /// `summary.md`.
    pub summary: PathBuf,
    /// `report.html`.
    pub page: PathBuf,
    /// SVG and PNG of each figure.
    pub figures: Vec<PathBuf>,
    /// Names of the figures that the run had nothing for.
    pub left_out: Vec<&'static str>,
}

/// A figure that was drawn.
pub(crate) struct DrawnFigure {
    pub name: &'static str,
    pub chart: Chart,
    /// What is shown and how to read it, with what this picture adds.
    pub caption: String,
}

/// A figure that was not drawn, and what is missing.
pub(crate) struct MissingFigure {
    pub name: &'static str,
    pub title: &'static str,
    pub needs: &'static str,
}

/// What both documents show.
pub(crate) struct Pictures {
    pub drawn: Vec<DrawnFigure>,
    pub missing: Vec<MissingFigure>,
}

/// Writes `summary.md`, `report.html` and `figures/` into the folder of a run.
///
/// # Errors
/// [`ReportError`] if a file cannot be written or a figure cannot be drawn; the rows of the run are never touched.
pub fn write_report(results: &Results, folder: &Path) -> Result<ReportFiles, ReportError> {
    let figure_folder = folder.join("figures");
    fs::create_dir_all(&figure_folder).map_err(|source| ReportError::Folder { path: figure_folder.clone(), source })?;
    let pictures = Pictures::draw(results);
    let mut figures = Vec::new();
    for figure in &pictures.drawn {
        let png = figure.chart.png().map_err(|message| ReportError::Picture { name: figure.name, message })?;
        for (ending, bytes) in [("svg", figure.chart.static_svg().into_bytes()), ("png", png)] {
            let path = figure_folder.join(format!("{}.{ending}", figure.name));
            tightlip_model::file::store(&path, &bytes)?;
            figures.push(path);
        }
    }
    let summary = folder.join("summary.md");
    tightlip_model::file::store(&summary, summary::markdown(results, &pictures).as_bytes())?;
    let page = folder.join("report.html");
    tightlip_model::file::store(&page, html::page(results, &pictures).as_bytes())?;
    let left_out = pictures.missing.iter().map(|figure| figure.name).collect();
    Ok(ReportFiles { summary, page, figures, left_out })
}

impl Pictures {
    /// Draws every figure the run has something for.
    pub fn draw(results: &Results) -> Self {
        let (mut drawn, mut missing) = (Vec::new(), Vec::new());
        for figure in FIGURES {
            let name = figure.name();
            match figure.draw(results) {
                Some(chart) => {
                    let caption = [figure.caption().to_owned(), chart.notes.join(" ")].join(" ").trim_end().to_owned();
                    drawn.push(DrawnFigure { name, chart, caption });
                }
                None => missing.push(MissingFigure { name, title: figure.title(), needs: figure.needs() }),
            }
        }
        Self { drawn, missing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distrust::{Severity, complete};
    use crate::planted::{self, finding, record};
    use crate::record::{Record, Status};

    fn written(results: &Results) -> (ReportFiles, String, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let files = write_report(results, folder.path()).expect("a report");
        let read = |path: &Path| fs::read_to_string(path).expect("a text file");
        let (summary, page) = (read(&files.summary), read(&files.page));
        for figure in &files.figures {
            assert!(fs::metadata(figure).expect("a figure").len() > 500, "{}", figure.display());
        }
        for text in [&summary, &page] {
            assert!(!text.contains("NaN") && !text.contains("inf s"), "a number that is none");
        }
        (files, summary, page)
    }

    #[test]
    fn a_realistic_run_has_every_figure_in_both_documents() {
        let (files, summary, page) = written(&planted::run());
        assert_eq!((files.figures.len(), files.left_out.len()), (2 * FIGURES.len(), 0));
        for figure in FIGURES {
            assert!(summary.contains(&format!("](figures/{}.png)", figure.name())), "{}", figure.name());
            assert!(page.contains(&format!("id=\"figure-{}\"", figure.name())), "{}", figure.name());
        }
    }

    #[test]
    fn a_run_whose_rows_all_failed_says_so_and_leaves_figures_out_with_the_reason() {
        let reason = Some("no such file".to_owned());
        let rows: Vec<Record> = ["a", "b"]
            .map(|network| Record {
                status: Status::Failed,
                claimed: None,
                proved: None,
                lower_witness: None,
                total_s: None,
                peak_rss_mib: None,
                sizes: None,
                parameters: None,
                reason: reason.clone(),
                ..record(network, "m")
            })
            .into();
        let findings = vec![finding(Severity::Failure, "a: m failed: no such file")];
        let (files, summary, page) = written(&Results::new(rows, vec![], findings, None));
        assert_eq!((files.figures.len(), files.left_out.len()), (0, FIGURES.len()));
        for text in [&summary, &page] {
            assert!(text.contains("no such file") && text.contains("three widths at one depth"), "{text}");
        }
    }

    #[test]
    fn a_single_row_and_no_rows_are_reported() {
        let mut rows = vec![record("net", "m")];
        complete(&mut rows);
        let (files, summary, _) = written(&Results::new(rows, vec![], vec![], None));
        let of_bounds = ["tightness-fgl", "profile", "scaling-width", "scaling-depth"];
        let of_traces = ["convergence", "convergence-products", "budgets"];
        assert_eq!(files.left_out, [&of_bounds[..], &of_traces].concat());
        assert!(summary.contains("| net | 2.000000 |"), "{summary}");
        written(&Results::new(vec![], vec![], vec![], None));
    }

    #[test]
    fn the_same_run_gives_the_same_files() {
        let (one, other) = (written(&planted::run()), written(&planted::run()));
        assert!(one.1 == other.1 && one.2 == other.2);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        fs::write(&file, "").expect("a file");
        let error = write_report(&planted::run(), &file).expect_err("a file is no folder");
        assert!(error.to_string().contains("file/figures: cannot be made"), "{error}");
    }
}
