//! A picture of a sparsity pattern with its cliques, as SVG.

use std::fmt::Write;

use tightlip_sdp::{CliqueTree, Pattern};

/// Side of the matrix in the picture.
const SIDE: f64 = 640.0;
/// Around the matrix.
const MARGIN: f64 = 20.0;
/// Below the matrix, for the caption.
const CAPTION: f64 = 56.0;
/// Colours of cliques, in turn: Okabe and Ito's, told apart by colour-blind people.
const COLOURS: [&str; 6] = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"];

/// The picture: entries grey, cliques as squares of colour, where they lie together.
pub fn svg(title: &str, pattern: &Pattern, tree: &CliqueTree) -> String {
    let cell = SIDE / pattern.order().max(1) as f64;
    let at = |index: usize| MARGIN + cell * index as f64;
    let (width, height) = (SIDE + 2.0 * MARGIN, SIDE + 2.0 * MARGIN + CAPTION);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"16\" shape-rendering=\"crispEdges\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n\
         <rect x=\"{MARGIN}\" y=\"{MARGIN}\" width=\"{SIDE}\" height=\"{SIDE}\" fill=\"none\" stroke=\"#000\"/>\n"
    );
    let mut rect = |(row, rows): (usize, usize), (column, columns): (usize, usize), style: &str| {
        let (x, y, w, h) = (at(column), at(row), cell * columns as f64, cell * rows as f64);
        writeln!(text, "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{w:.2}\" height=\"{h:.2}\" {style}/>")
            .expect("a String takes any text");
    };
    for row in 0..pattern.order() {
        let mut columns = pattern.neighbours(row).to_vec();
        columns.push(row);
        columns.sort_unstable();
        for run in runs(&columns) {
            rect((row, 1), run, "fill=\"#555\"");
        }
    }
    for (number, clique) in tree.cliques().iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let style = format!("fill=\"{colour}\" fill-opacity=\"0.25\" stroke=\"{colour}\" stroke-width=\"1.5\"");
        let runs = runs(&clique.members);
        for &rows in &runs {
            for &columns in &runs {
                rect(rows, columns, &style);
            }
        }
    }
    let caption = format!(
        "order {}, {} cliques, the largest {}, fill {}",
        pattern.order(),
        tree.cliques().len(),
        tree.largest(),
        tree.fill()
    );
    for (line, words) in [title, &caption].into_iter().enumerate() {
        let y = SIDE + 2.0 * MARGIN + 18.0 + 22.0 * line as f64;
        writeln!(text, "<text x=\"{MARGIN}\" y=\"{y}\">{}</text>", escaped(words)).expect("a String takes any text");
    }
    text.push_str("</svg>\n");
    text
}

/// First number and length of each run of consecutive numbers.
fn runs(sorted: &[usize]) -> Vec<(usize, usize)> {
    sorted.chunk_by(|one, next| one + 1 == *next).map(|run| (run[0], run.len())).collect()
}

/// Text that is no markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
