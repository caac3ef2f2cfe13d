//! QR codes as text and as vectors.

use ostler_vocabulary::{ErrorKind, Failure};
use qrcode::{Color, EcLevel, QrCode};

/// Modules of light around a code, which readers need.
const QUIET: usize = 4;
/// The widest code, quiet zone included: a terminal has eighty columns.
const WIDEST: usize = 78;

/// A code that fits on a terminal.
pub(crate) struct Code {
    /// Row by row, with the quiet zone; true is dark.
    modules: Vec<Vec<bool>>,
}

impl Code {
    /// The code of a text; with as much room for damage as there is. `None` when it does not fit.
    pub fn of(text: &str) -> Option<Self> {
        let levels = [EcLevel::Q, EcLevel::M, EcLevel::L];
        levels.into_iter().find_map(|level| {
            let code = QrCode::with_error_correction_level(text, level).ok()?;
            let side = code.width() + 2 * QUIET;
            (side <= WIDEST).then(|| Self::with_quiet_zone(&code))
        })
    }

    fn with_quiet_zone(code: &QrCode) -> Self {
        let width = code.width();
        let colours = code.to_colors();
        let light = vec![false; width + 2 * QUIET];
        let mut modules = vec![light.clone(); QUIET];
        for row in colours.chunks(width) {
            let mut line = vec![false; QUIET];
            line.extend(row.iter().map(|colour| *colour == Color::Dark));
            line.extend([false; QUIET]);
            modules.push(line);
        }
        modules.extend(vec![light; QUIET]);
        Self { modules }
    }

    /// Two rows to a line. With `draw_light` the light is drawn and the dark is not, as a dark terminal needs it: most
    /// readers take a code either way.
    pub fn half_blocks(&self, draw_light: bool) -> String {
        let mut text = String::new();
        for pair in self.modules.chunks(2) {
            let upper = pair.first().map(Vec::as_slice).unwrap_or_default();
            for (at, upper) in upper.iter().enumerate() {
                let lower = pair
                    .get(1)
                    .and_then(|row| row.get(at))
                    .copied()
                    .unwrap_or(draw_light);
                text.push(match (*upper != draw_light, lower != draw_light) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                });
            }
            text.push('\n');
        }
        text
    }

    /// A square of this side, in the units of the picture.
    pub fn svg(&self, x: f64, y: f64, side: f64) -> String {
        let scale = side / self.modules.len() as f64;
        let mut path = String::new();
        for (row, modules) in self.modules.iter().enumerate() {
            for (column, _) in modules.iter().enumerate().filter(|(_, dark)| **dark) {
                path.push_str(&format!("M{column} {row}h1v1h-1z"));
            }
        }
        format!("<path transform=\"translate({x} {y:.1}) scale({scale:.4})\" d=\"{path}\"/>\n")
    }
}

pub(super) fn too_long() -> Failure {
    Failure::new(ErrorKind::Internal, "the key does not fit into a QR code")
}
